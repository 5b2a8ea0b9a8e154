"""What a job is: the same files under other names are other work."""

from dataclasses import replace

import pytest

from aurl.experiment.presets import load_preset
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.stages import STAGES


def test_names_that_change_places_are_another_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """The inputs and outputs are the same files; which name stands for which decides the work."""
    before = Jobs(load_preset("micro")).of("train", variant="aurl", seed=0)
    train = STAGES["train"]
    reads = dict(train.reads) | {"manifest": train.reads["frames"], "frames": train.reads["manifest"]}
    makes = dict(train.makes) | {"description": train.makes["steps"], "steps": train.makes["description"]}
    for changed in (replace(train, reads=reads), replace(train, makes=makes)):
        monkeypatch.setitem(STAGES, "train", changed)
        after = Jobs(load_preset("micro")).of("train", variant="aurl", seed=0)
        assert set(after.depends) == set(before.depends)
        assert set(after.made) == set(before.made)
        assert {key for key in after.values if after.values[key] != before.values[key]} == {"wiring"}


def test_the_wiring_does_not_depend_on_the_experiments_name() -> None:
    """Results of equal jobs of another experiment are taken over."""
    one, other = (Jobs(load_preset(name)).of("train", variant="aurl", seed=0) for name in ("mini", "methods"))
    assert one.root != other.root
    assert one.values["wiring"] == other.values["wiring"]

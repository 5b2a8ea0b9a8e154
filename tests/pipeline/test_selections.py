"""Which jobs there are, with a test set that is only evaluated, present or missing."""

from pathlib import Path

import pytest
import yaml
from repositories import REPOSITORY
from third_test_set import three_test_sets

from aurl.experiment.read import load_experiment
from aurl.experiment.settings import Experiment
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.missing_data import VECTORS
from aurl.pipeline.selections import SELECTIONS, Scope
from aurl.system.errors import AurlError


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The parameters of micro with `activitynet`, which is only evaluated."""
    monkeypatch.chdir(REPOSITORY)
    path = three_test_sets(tmp_path)
    raw = yaml.safe_load(path.read_text())
    raw["datasets"]["activitynet"]["evaluate_only"] = True
    path.write_text(yaml.safe_dump(raw, sort_keys=False))
    return path


def datasets(selection: str, experiment: Experiment, missing: dict[str, str] | None = None) -> set[str]:
    return {row["dataset"] for row in SELECTIONS[selection].rows(Scope(experiment, missing or {}))}


def test_the_filter_alone_passes_over_it(params: Path) -> None:
    experiment = load_experiment(params)
    assert datasets("filtering", experiment) == {"micro_ucf", "micro_hmdb"}
    for selection in ("cells", "tested", "decoded", "embedded"):
        assert "activitynet" in datasets(selection, experiment)


def test_networks_are_trained_without_it(params: Path) -> None:
    """Its absence takes its own jobs away; that of another dataset, or of the vectors, takes the training."""
    experiment = load_experiment(params)
    missing = {"activitynet": "no folder"}
    assert datasets("cells", experiment, missing) == {"micro_ucf", "micro_hmdb"}
    assert datasets("decoded", experiment, missing) == {"micro_seen", "micro_ucf", "micro_hmdb"}
    assert SELECTIONS["trained"].rows(Scope(experiment, missing))
    assert SELECTIONS["once_if_complete"].rows(Scope(experiment, missing)) == [{}]
    for other in ("micro_ucf", VECTORS):
        scope = Scope(experiment, missing | {other: "nowhere"})
        assert SELECTIONS["trained"].rows(scope) == SELECTIONS["once_if_complete"].rows(scope) == []


def test_one_test_set_must_stay_in_the_filter(params: Path) -> None:
    raw = yaml.safe_load(params.read_text())
    for name in raw["unseen"]:
        raw["datasets"][name]["evaluate_only"] = True
    params.write_text(yaml.safe_dump(raw))
    with pytest.raises(AurlError, match="evaluate_only is true for all of unseen"):
        load_experiment(params)


def with_held_out(params: Path) -> Experiment:
    """Add held-out videos of the seen classes."""
    raw = yaml.safe_load(params.read_text())
    raw["datasets"]["others"] = {**raw["datasets"]["activitynet"], "evaluate_only": False}
    raw["held_out"] = ["others"]
    params.write_text(yaml.safe_dump(raw, sort_keys=False))
    return load_experiment(params)


def test_held_out_videos_are_no_test_set_and_train_nothing(params: Path) -> None:
    experiment = with_held_out(params)
    for selection in ("filtering", "cells", "tested"):
        assert "others" not in datasets(selection, experiment)
    assert datasets("held_out", experiment) == {"others"}
    rows = SELECTIONS["generalised"].rows(Scope(experiment, {}))
    assert rows == [{"variant": name, "held_out": "others"} for name in experiment.variants]
    without = Scope(experiment, {"others": "no folder"})
    assert SELECTIONS["generalised"].rows(without) == SELECTIONS["held_out"].rows(without) == []
    assert SELECTIONS["trained"].rows(without)
    assert SELECTIONS["generalised"].rows(Scope(experiment, {"micro_ucf": "no folder"})) == [], "no filter, no classes"


def test_held_out_names_one_dataset_that_is_nothing_else(params: Path) -> None:
    experiment = with_held_out(params)
    with pytest.raises(AurlError, match=r"'micro_ucf' is not in held_out of params.yaml, which names others"):
        Jobs(experiment).of("generalised", variant="aurl", held_out="micro_ucf")
    raw = yaml.safe_load(params.read_text())
    for held_out, words in {
        "absent": r"held_out: this key is missing; write \[\] for the old results",
        "none": r"must name each dataset once; datasets has",
        "seen": r"must name each dataset once, and held_out \(micro_seen\) the others",
    }.items():
        changed = {key: value for key, value in raw.items() if key != "held_out"}
        changed |= {"absent": {}, "none": {"held_out": []}, "seen": {"held_out": ["micro_seen"]}}[held_out]
        params.write_text(yaml.safe_dump(changed))
        with pytest.raises(AurlError, match=words):
            load_experiment(params)

"""dvc.yaml follows from the stages' declarations."""

from pathlib import Path

import pytest
import yaml
from repositories import REPOSITORY

from aurl.experiment.presets import load_preset
from aurl.experiment.read import load_experiment
from aurl.pipeline.dvc_yaml import dvc_yaml, refresh
from aurl.pipeline.stages import STAGES

MEND = "run 'python -m aurl.pipeline.dvc_yaml' and commit dvc.yaml"


@pytest.mark.parametrize("preset", ["micro", "mini", "paper", "samples", "ucf101"])
def test_dvc_yaml_is_up_to_date_for_every_preset(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert Path("dvc.yaml").read_text() == dvc_yaml(load_preset(preset)), MEND


def test_every_stage_is_there_once() -> None:
    written = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    assert list(written) == list(dict.fromkeys(stage.dvc or stage.name for stage in STAGES.values()))
    rules = [
        rule for stage in written.values() for rule in stage["cmd"].split("--allowed-rules ")[1].split(" --")[0].split()
    ]
    assert rules == list(STAGES)


def test_an_outdated_file_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    experiment, path = load_experiment(Path("params.yaml")), tmp_path / "dvc.yaml"
    assert refresh(experiment, path)
    assert path.read_text() == Path("dvc.yaml").read_text(), MEND
    assert not refresh(experiment, path)
    path.write_text("stages: {}\n")
    assert refresh(experiment, path)

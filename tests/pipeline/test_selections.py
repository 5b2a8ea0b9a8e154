"""Which jobs there are, with a test set that is only evaluated, present or missing."""

from pathlib import Path

import pytest
import yaml
from repositories import REPOSITORY
from third_test_set import three_test_sets

from aurl.experiment.read import load_experiment
from aurl.experiment.settings import Experiment
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

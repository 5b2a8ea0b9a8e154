"""The note on a test set that was only evaluated: which seen classes it shares, by name and by tau."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from repositories import REPOSITORY
from safetensors.numpy import save_file
from table_sources import table_inputs, table_settings
from third_test_set import three_test_sets

from aurl.experiment.read import load_experiment
from aurl.report.evaluate_only import describe_evaluate_only
from aurl.report.tables.base import TableInputs, TableSettings


def embeddings(path: Path, rows: dict[str, list[float]]) -> Path:
    classes = sorted(rows)
    metadata = {"classes": classes, "tokens": {name: [name] for name in classes}, "dropped": {}}
    vectors = np.array([rows[name] for name in classes], np.float32)
    save_file({"embeddings": vectors}, path, {"aurl": json.dumps(metadata)})
    return path


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[TableInputs, TableSettings]:
    """Seen: jump, run (left out by the filter), swim; tested: Jumping (as jump), sprint (near run), climb."""
    monkeypatch.chdir(REPOSITORY)
    path = three_test_sets(tmp_path)
    raw = yaml.safe_load(path.read_text())
    raw["datasets"]["activitynet"]["evaluate_only"] = True
    path.write_text(yaml.safe_dump(raw, sort_keys=False))
    experiment = load_experiment(path)
    seen = embeddings(tmp_path / "seen.safetensors", {"jump": [1, 0, 0], "run": [0, 1, 0], "swim": [0, 0, 1]})
    tested = embeddings(
        tmp_path / "tested.safetensors", {"Jumping": [1, 0.5, 0], "sprint": [0, 1, 0.1], "climb": [1, 1, 1]}
    )
    inputs = table_inputs(experiment, tmp_path)
    (tmp_path / "seen_classes.csv").write_text(
        "class,kept,distance,nearest_class,nearest_dataset\njump,True,0.3,x,micro_ucf\n"
        "run,False,0.01,x,micro_ucf\nswim,True,0.4,x,micro_ucf\n"
    )
    of = {"micro_seen": seen, "activitynet": tested}
    return replace(inputs, embeddings=of), table_settings(experiment)


def test_the_note_names_what_is_shared(sources: tuple[TableInputs, TableSettings]) -> None:
    inputs, settings = sources
    assert describe_evaluate_only(inputs, replace(settings, tau=0.05)) == [
        "activitynet: only evaluated, unknown to the strict-label filter. Of its 3 classes 1 have the name of a seen class"
        " with strict labels ('Jumping' = 'jump'), and 0 are nearer than tau 0.05 to one; with all seen classes 1 and 1."
    ]
    (note,) = describe_evaluate_only(inputs, replace(settings, tau=0.2))
    assert "2 are" not in note
    assert "1 are nearer than tau 0.2 to one ('Jumping' = 'jump' 0.1056)" in note


def test_no_note_without_such_a_test_set_or_without_embeddings(sources: tuple[TableInputs, TableSettings]) -> None:
    inputs, settings = sources
    plain = {name: dataset.model_copy(update={"evaluate_only": False}) for name, dataset in settings.datasets.items()}
    assert describe_evaluate_only(inputs, replace(settings, datasets=plain)) == []
    assert describe_evaluate_only(replace(inputs, embeddings={}), settings) == []
    assert describe_evaluate_only(replace(inputs, seen_classes=None), settings) == []

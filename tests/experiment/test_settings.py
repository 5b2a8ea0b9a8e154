"""The experiment file: presets are valid, and every mistake gets one line that names it."""

import contextlib
import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aurl.experiment.changes import describe_changes
from aurl.experiment.folders import source_folder
from aurl.experiment.read import load_experiment, lookup, parse_experiment
from aurl.system.errors import AurlError

PRESETS = sorted((Path(__file__).resolve().parents[2] / "presets").glob("*.yaml"))
MINI = yaml.safe_load((PRESETS[0].parent / "mini.yaml").read_text())


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_presets_are_valid_and_named_after_their_experiment(preset: Path) -> None:
    experiment = load_experiment(preset)
    assert experiment.experiment == preset.stem
    assert {"mse", "ls", "ls_e2e", "aurl", "aurl_no_cg"} <= set(experiment.variants)


def test_mini_is_the_default() -> None:
    """A fresh clone runs mini: the params.yaml that git holds is that preset."""
    assert {"experiment": "mini"}.items() <= MINI.items()
    assert MINI["seeds"] == [0, 1, 2]
    assert MINI["evaluation"]["clips"] == [1, 4]


def changed(key: str, value: Any) -> dict[str, Any]:
    """MINI with one dotted key set; the value `...` removes it."""
    raw = copy.deepcopy(MINI)
    *parents, last = key.split(".")
    node = raw
    for part in parents:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return raw


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("training.batchsize", 3, ["training.batchsize", "unknown key", "did you mean 'batch_size'?"]),
        ("variants.aurl.loses", {}, ["variants.aurl.loses", "unknown key", "'losses'"]),
        ("colour", 1, ["colour: unknown key"]),
        ("training.batch_size", 1, ["training.batch_size = 1", "greater than or equal to 2"]),
        ("training.batch_size", "many", ["training.batch_size = 'many'", "integer"]),
        ("training.epochs", ..., ["training.epochs", "missing"]),
        ("frames.quality", 101, ["frames.quality = 101", "less than or equal to 100"]),
        ("semantics.encoder.missing", "skip", ["semantics.encoder.missing = 'skip'", "'error' or 'drop_class'"]),
        ("semantics.encoder.vektors", "x", ["semantics.encoder.vektors: unknown key", "did you mean 'vectors'?"]),
        ("semantics.encoder.vectors", ..., ["semantics.encoder.vectors", "missing"]),
        ("semantics.encoder.name", "word2vek", ["semantics.encoder: 'word2vek'", "did you mean 'word2vec'?"]),
        ("semantics.encoder.name", "json.tool", ["semantics.encoder: 'json.tool'", "no Settings, inputs, encode"]),
        ("semantics.encoder.name", 3, ["semantics.encoder", "'name' must name one of word2vec"]),
        ("semantics.encoder.name", ..., ["semantics.encoder", "'name' must name one of word2vec"]),
        ("semantics.encoder", "word2vec", ["semantics.encoder = 'word2vec'", "dictionary"]),
        ("semantics.vectors", "v.bin", ["semantics.vectors: this key is now 'semantics.encoder.vectors: v.bin'"]),
        ("datasets.shapes_ucf.tokens", "ucf_101", ["tokens = 'ucf_101'", "did you mean 'ucf101'?", "activitynet200"]),
        ("datasets.shapes_ucf.source.layout", "no.such", ["layout = 'no.such'", "no such module"]),
        ("model.dropout", 1.0, ["model.dropout = 1.0", "less than 1"]),
        ("datasets.shapes_ucf.source.layout", "imagenet", ["layout = 'imagenet'", "ucf101"]),
        (
            "datasets.shapes_ucf.source.folder",
            "/data",
            ["datasets.shapes_ucf.source", "exactly one of folder and render"],
        ),
        ("datasets.shapes_ucf.source.render.classes", 200, ["480 classes"]),
        ("datasets.Bad-Name", {}, ["datasets.Bad-Name", "pattern"]),
        ("unseen", ["shapes_ucf"], ["must name each dataset once", "shapes_hmdb"]),
        ("unseen", ["shapes_ucf", "nowhere"], ["nowhere", "must name each dataset once"]),
        ("variants.aurl.losses", {"seen": 1, "synthetic": 1}, ["variants.aurl", "needs 'centres'"]),
        ("variants.ls.losses", {"synthetic": 1}, ["variants.ls", "belong together"]),
        ("variants.ls.losses", {"sein": 1}, ["variants.ls.losses", "'mse', 'seen', 'centres' or 'synthetic'"]),
        ("variants.mse.word_projector", True, ["variants.mse", "fixed word vectors"]),
        (
            "trained",
            ["mse", "ls"],
            ["trained (mse, ls) and imported (none)", "variants has mse, ls, ls_e2e, aurl, aurl_no_cg"],
        ),
        ("imported", {"aurl": {"file": "x", "sha256": "0"}}, ["imported.aurl.sha256"]),
        ("variants.aurl.class_generator.high", -1, ["class_generator", "low must be below high"]),
        ("seeds", [0, 1, 0], ["seeds", "names a value twice"]),
        ("seeds", [-1], ["seeds.0 = -1", "greater than or equal to 0"]),
        ("evaluation.splits", [3, 10], ["evaluation.splits", "must contain 1"]),
        ("report.sota_clips", 7, ["report.sota_clips", "not in evaluation.clips"]),
        ("report.test_sets.ucf101.dataset", "shapes_seen", ["report.test_sets.ucf101.dataset", "none of the unseen"]),
    ],
)
def test_every_mistake_is_named(key: str, value: Any, words: list[str]) -> None:
    with pytest.raises(AurlError) as caught:
        parse_experiment(changed(key, value), "params.yaml")
    message = str(caught.value)
    assert message.startswith("params.yaml: ")
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("experiment: [", "not valid YAML"),
        ("experiment: a\nexperiment: b\n", "written twice"),
        ("- a\n- b\n", "expected a mapping"),
        ("", "expected a mapping"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(AurlError, match=words):
        load_experiment(tmp_path / "params.yaml")
    with pytest.raises(AurlError, match="no such file"):
        load_experiment(tmp_path / "none.yaml")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(MINI)), json_values)
def test_no_value_crashes_the_parser(key: str, value: Any) -> None:
    with contextlib.suppress(AurlError):
        assert parse_experiment({**MINI, key: value}, "params.yaml").seeds


def test_lookup_and_changes() -> None:
    mini = parse_experiment(MINI, "mini")
    assert lookup(mini, "variants.ls") == {
        "losses": {"seen": 1.0}, "word_projector": False, "class_generator": None, "us_query": "semantic",
        "strict_labels": True, "optimizer": None,
    }  # fmt: skip
    other = parse_experiment(changed("training.epochs", 9), "other")
    assert list(describe_changes(mini, other)) == ["  ~ training.epochs: 6 -> 9"]


def test_folders_may_start_with_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_VIDEOS", "/data/videos")
    assert source_folder("$MY_VIDEOS/ucf") == Path("/data/videos/ucf")
    assert source_folder("plain/ucf") == Path("plain/ucf")
    monkeypatch.delenv("MY_VIDEOS")
    with pytest.raises(AurlError, match="MY_VIDEOS"):
        source_folder("$MY_VIDEOS/ucf")


def test_the_lock_pins_every_version_and_leaves_the_build_of_torch_open() -> None:
    lines = [line for line in (PRESETS[0].parents[1] / "requirements.lock").read_text().splitlines() if line]
    pinned = [line for line in lines if not line.startswith(("#", " "))]
    assert [line for line in pinned if not re.fullmatch(r"[a-z0-9.-]+==[A-Za-z0-9.]+", line)] == []
    assert "torch==2.13.0" in pinned

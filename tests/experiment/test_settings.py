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
from aurl.experiment.presets import load_preset, preset_names, preset_text
from aurl.experiment.read import json_value, load_experiment, parse_experiment
from aurl.system.errors import AurlError

REPOSITORY = Path(__file__).resolve().parents[2]
MINI = yaml.safe_load(preset_text("mini"))
DRAWN = MINI["datasets"]["drawn_kinetics"]["source"]["render"]


@pytest.mark.parametrize("preset", preset_names())
def test_presets_are_valid_and_named_after_their_experiment(preset: str) -> None:
    experiment = load_preset(preset)
    assert experiment.experiment == preset
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
        ("training.batch_size", 1, ["training.batch_size = 1", "must be at least 2"]),
        ("training.batch_size", "many", ["training.batch_size = 'many'", "must be a whole number"]),
        ("training.epochs", ..., ["training.epochs", "missing"]),
        ("frames.quality", 101, ["frames.quality = 101", "must be at most 100"]),
        ("semantics.encoder.missing", "skip", ["semantics.encoder.missing = 'skip'", "'error' or 'drop_class'"]),
        ("semantics.encoder.vektors", "x", ["semantics.encoder.vektors: unknown key", "did you mean 'vectors'?"]),
        ("semantics.encoder.vectors", ..., ["semantics.encoder.vectors", "missing"]),
        ("semantics.encoder.name", "word2vek", ["semantics.encoder: 'word2vek'", "did you mean 'word2vec'?"]),
        (
            "semantics.encoder.name",
            "json.tool",
            ["semantics.encoder: 'json.tool'", "class Settings(EncoderSettings) and inputs and encode"],
        ),
        ("semantics.encoder.name", 3, ["semantics.encoder.name = 3", "must name one of word2vec"]),
        ("semantics.encoder.name", ..., ["semantics.encoder.name", "missing", "must name one of word2vec"]),
        ("semantics.encoder", "word2vec", ["semantics.encoder = 'word2vec'", "must be keys with values"]),
        (
            "semantics.vectors",
            "v.bin",
            ["semantics.vectors: this key is now semantics.encoder.vectors", "value there: v.bin"],
        ),
        ("datasets.drawn_ucf.tokens", "ucf_101", ["tokens = 'ucf_101'", "did you mean 'ucf101'?", "activitynet200"]),
        ("datasets.drawn_ucf.source.layout", "json.tool", ["layout = 'json.tool'", "its file must define find"]),
        ("datasets.drawn_ucf.source.layout", "no.such", ["layout = 'no.such'", "no such module"]),
        ("model.dropout", 1.0, ["model.dropout = 1.0", "must be less than 1"]),
        ("model.backbone.widht", 3, ["model.backbone.widht", "unknown key", "did you mean 'width'?"]),
        ("model.backbone.width", 1, ["model.backbone.width = 1", "must be at least 2"]),
        ("model.backbone.blocks", [60, 60], ["model.backbone.blocks", "at most 100 in all"]),
        (
            "model.backbone.name",
            "r2plus2d",
            ["model.backbone", "no part of aurl.backbones", "did you mean 'r2plus1d'?"],
        ),
        ("model.backbone.name", "no.such_module", ["model.backbone", "'no.such_module': no such module"]),
        (
            "model.backbone.name",
            "aurl.losses",
            ["model.backbone: 'aurl.losses'", "class Settings(PartSettings) and build"],
        ),
        ("model.backbone.name", ..., ["model.backbone.name", "missing", "must name one of r2plus1d"]),
        ("model.backbone.name", 3, ["model.backbone.name = 3", "must name one of"]),
        ("model.backbone", "r2plus1d", ["model.backbone = 'r2plus1d'", "must be keys with values"]),
        ("model.backbone", ..., ["model.backbone", "missing"]),
        ("datasets.drawn_ucf.source.layout", "imagenet", ["layout = 'imagenet'", "ucf101"]),
        (
            "datasets.drawn_ucf.source.folder",
            "/data",
            ["datasets.drawn_ucf.source", "exactly one of folder and render"],
        ),
        ("datasets.drawn_ucf.source.render.classes", 82, ["source.render: ", "not pass the 81 classes of ucf101"]),
        ("datasets.drawn_ucf.source.render.classes", 0, ["render.classes = 0", "must be at least 1"]),
        ("datasets.drawn_hmdb.source.render.first_class", 44, ["not pass the 44 classes of hmdb51"]),
        ("datasets.drawn_hmdb.source.render.first_class", -1, ["render.first_class = -1"]),
        ("datasets.drawn_kinetics.source.render", {**DRAWN, "first_class": 550, "classes": 2}, ["the 551 classes of"]),
        ("datasets.drawn_kinetics.source.render.classes_of", "ucf102", ["classes_of = 'ucf102'", "'ucf101'"]),
        ("datasets.drawn_kinetics.source.render.classes_of", ..., ["classes_of", "missing"]),
        ("datasets.drawn_kinetics.source.render.frames", [20, 12], ["frames must be [shortest, longest]"]),
        ("datasets.Bad-Name", {}, ["datasets.Bad-Name", "pattern"]),
        ("unseen", ["drawn_ucf"], ["must name each dataset once", "drawn_hmdb"]),
        ("unseen", ["drawn_ucf", "nowhere"], ["nowhere", "must name each dataset once"]),
        (
            "datasets.drawn_kinetics.evaluate_only",
            True,
            ["datasets.drawn_kinetics.evaluate_only", "it is the seen dataset"],
        ),
        ("variants.aurl.losses", {"seen": 1, "synthetic": 1}, ["variants.aurl", "needs 'centres'"]),
        ("variants.ls.losses", {"synthetic": 1}, ["variants.ls", "'synthetic' needs 'centres'"]),
        (
            "variants.ls.losses",
            {"sein": 1},
            ["losses.sein: ", "did you mean 'seen'?", "centres, cross_entropy, matching, mixed_videos, mse"],
        ),
        ("variants.ls.losses", {"no.such": 1}, ["variants.ls.losses.no.such: ", "no such module"]),
        ("variants.ls.losses", {"json.decoder": 1}, ["losses.json.decoder: ", "class Settings(TermSettings) and loss"]),
        ("variants.ls.losses", {}, ["variants.ls.losses: ", "at least 1"]),
        ("variants.ls.losses", {"seen": 0}, ["variants.ls.losses.seen.weight = 0: ", "must be more than 0"]),
        ("variants.ls.losses.seen", {"wight": 1}, ["losses.seen.wight: unknown key; did you mean 'weight'?"]),
        ("variants.ls.losses.seen", None, ["variants.ls.losses.seen.weight = None: ", "number"]),
        ("variants.aurl.losses.synthetic.mixed", 1, ["losses.synthetic.mixed: unknown key; did you mean 'mix'?"]),
        ("variants.aurl.losses.synthetic.query", "both", ["synthetic.query = 'both': ", "'semantic' or 'visual'"]),
        (
            "variants.aurl.us_query",
            "visual",
            ["variants.aurl.us_query: this key is now variants.aurl.losses.synthetic.query", "value there: visual"],
        ),
        (
            "variants.aurl.class_generator",
            {"mix": "uniform", "rows": None},
            [
                "variants.aurl.class_generator: this key is now variants.aurl.losses.synthetic",
                "{mix: uniform, rows: null}",
            ],
        ),
        ("variants.mse.word_projector", True, ["variants.mse", "fixed word vectors"]),
        (
            "trained",
            ["mse", "ls"],
            ["trained (mse, ls) and imported (none)", "variants has mse, ls, ls_e2e, aurl, aurl_no_cg, aurl_centres"],
        ),
        ("imported", {"aurl": {"file": "x", "sha256": "0"}}, ["imported.aurl.sha256"]),
        ("variants.aurl.losses.synthetic.high", -1, ["losses.synthetic: ", "low must be below high"]),
        ("seeds", [0, 1, 0], ["seeds", "names a value twice"]),
        ("seeds", [-1], ["seeds.0 = -1", "must be at least 0"]),
        (
            "evaluation.protocols.half_splits.splits",
            [3, 10],
            ["evaluation.protocols.half_splits.splits", "must contain 1"],
        ),
        ("evaluation.protocols.half_splits.splits", [1, 3, 3], ["half_splits.splits", "names a value twice"]),
        ("evaluation.protocols.half_splits.splits", [1, 0], ["half_splits.splits.1 = 0", "must be at least 1"]),
        (
            "evaluation.protocols.half_splits",
            {"split": [1]},
            ["half_splits.split: unknown key; did you mean 'splits'?"],
        ),
        ("evaluation.protocols.half_splits", None, ["evaluation.protocols.half_splits.splits: this key is missing"]),
        ("evaluation.protocols.half_split", {}, ["evaluation.protocols.half_split", "did you mean 'half_splits'?"]),
        ("evaluation.protocols", {"class_lists": {"files": ["x.csv"]}}, ["must contain half_splits"]),
        ("evaluation.protocols", {"nowhere.at_all": {}}, ["'nowhere.at_all': no such module"]),
        ("report.sota_clips", 7, ["report.sota_clips", "not in evaluation.clips"]),
        (
            "report.test_sets.ucf101.dataset",
            "drawn_kinetics",
            ["report.test_sets.ucf101.dataset", "none of the unseen"],
        ),
    ],
)
def test_every_mistake_is_named(key: str, value: Any, words: list[str]) -> None:
    with pytest.raises(AurlError) as caught:
        parse_experiment(changed(key, value), "params.yaml")
    message = str(caught.value)
    assert message.startswith("params.yaml: ")
    assert all(line.startswith("  ") for line in message.splitlines()[1:]), "one mistake a line"
    for word in words:
        assert word in message


def test_a_moved_key_names_the_new_one_with_its_value() -> None:
    raw = changed("evaluation.splits", [1, 50])
    del raw["evaluation"]["protocols"]
    with pytest.raises(AurlError) as caught:
        parse_experiment(raw, "params.yaml")
    new = "evaluation.protocols.half_splits.splits; put its value there: [1, 50]"
    assert str(caught.value) == f"params.yaml: evaluation.splits: this key is now {new}"


def test_keys_that_moved_are_named_with_their_new_place() -> None:
    raw = changed("model.backbone", ...)
    raw["model"] |= {"width": 16, "blocks": [1, 1]}
    with pytest.raises(AurlError) as caught:
        parse_experiment(raw, "params.yaml")
    message = str(caught.value)
    now = "this key is now model.backbone.{} (beside name: r2plus1d); put its value there: {}"
    assert message.startswith(f"params.yaml: model.width: {now.format('width', 16)}")
    assert message.splitlines()[1] == f"  model.blocks: {now.format('blocks', [1, 1])}"
    assert len(message.splitlines()) == 2


def test_every_mistake_has_a_line_of_its_own() -> None:
    raw = changed("training.batchsize", 3)
    del raw["training"]["batch_size"]
    raw["training"]["epochs"] = "six"
    raw["seeds"] = []
    with pytest.raises(AurlError) as caught:
        parse_experiment(raw, "params.yaml")
    assert str(caught.value).splitlines() == [
        "params.yaml: training.epochs = 'six': must be a whole number",
        "  training.batchsize: unknown key; did you mean 'batch_size'?",
        "  seeds: must hold at least 1",
    ]


def test_a_caret_points_at_the_fault_of_yaml(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("experiment: a\nseeds: [0, 1, 2\nseen: b\n")
    with pytest.raises(AurlError) as caught:
        load_experiment(path)
    head, line, mark = str(caught.value).splitlines()
    assert head.startswith(f"{path}: not valid YAML: line 3, column 5: expected ',' or ']'")
    assert line == "    seen: b"
    assert mark == "        ^"


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


def test_values_at_keys_and_changes() -> None:
    mini = parse_experiment(MINI, "mini")
    dumped = mini.model_dump(mode="json")
    assert json_value(dumped, "variants.ls") == {
        "losses": {"seen": {"weight": 1.0}}, "word_projector": False, "strict_labels": True, "optimizer": None,
    }  # fmt: skip
    assert json_value(dumped, "model.backbone") == MINI["model"]["backbone"]
    width, epochs = MINI["model"]["backbone"]["width"], MINI["training"]["epochs"]
    wider = parse_experiment(changed("model.backbone.width", 2 * width), "wider")
    assert list(describe_changes(mini, wider)) == [f"  ~ model.backbone.width: {width} -> {2 * width}"]
    other = parse_experiment(changed("training.epochs", epochs + 3), "other")
    assert list(describe_changes(mini, other)) == [f"  ~ training.epochs: {epochs} -> {epochs + 3}"]


def test_folders_may_start_with_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_VIDEOS", "/data/videos")
    assert source_folder("$MY_VIDEOS/ucf") == Path("/data/videos/ucf")
    assert source_folder("plain/ucf") == Path("plain/ucf")
    monkeypatch.delenv("MY_VIDEOS")
    with pytest.raises(AurlError, match="MY_VIDEOS"):
        source_folder("$MY_VIDEOS/ucf")


def test_the_lock_pins_every_version_and_leaves_the_build_of_torch_open() -> None:
    lines = [line for line in (REPOSITORY / "requirements.lock").read_text().splitlines() if line]
    pinned = [line for line in lines if not line.startswith(("#", " "))]
    assert [line for line in pinned if not re.fullmatch(r"[a-z0-9.-]+==[A-Za-z0-9.]+", line)] == []
    assert "torch==2.13.0" in pinned

"""Every protocol of the folder, and one from outside, keeps the contract; the rules of the two protocols."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from outside import write_outside
from pages import file_of
from repositories import REPOSITORY

from aurl.evaluation import schema
from aurl.evaluation.collect import collect_metrics
from aurl.evaluation.draws import evaluate_draws, mean_row, measure, rank
from aurl.evaluation.evaluate import evaluate
from aurl.evaluation.feature_file import Features, write_features
from aurl.evaluation.metrics_file import read_metrics, read_value
from aurl.evaluation.protocols import class_lists, half_splits
from aurl.evaluation.protocols.base import FOLDER, evaluate_all, files_of
from aurl.operate.rerun import compare_metrics
from aurl.report.results import Results
from aurl.system import plugins
from aurl.system.errors import AurlError
from aurl.system.shipped import TOKEN_TABLE

NAMES = [f"{colour} {shape}" for colour in ("blue", "red") for shape in ("ball", "cube", "ring")]
SETTINGS: dict[str, Any] = {"half_splits": {"splits": [1, 3]}, "class_lists": {"files": ["lists.csv"]}}
HEAVY = ("torch", "numpy", "pandas", "matplotlib", "gensim")
OUTSIDE = '''"""Evaluates on the classes of one colour."""

from aurl.experiment.settings import Settings as Base


class Settings(Base):
    """The colour of the classes to test on."""

    colour: str


def evaluate(features, settings):
    """Evaluate one draw: the classes whose names hold the colour."""
    import numpy as np

    from aurl.evaluation.draws import mean_row, measure, rank

    draw = np.flatnonzero([settings.colour in name.split() for name in features.class_names])
    for clips, videos in features.videos.items():
        yield mean_row(clips, measure(rank(videos, features.labels, features.classes, [draw]))) | {"half": 0.5}
'''


def features_of(seed: int, per_class: int = 6, dimensions: int = 4) -> Features:
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(len(NAMES)).repeat_interleave(per_class)
    classes = torch.randn(len(NAMES), dimensions, generator=random)
    videos = classes[labels] + torch.randn(len(labels), dimensions, generator=random)
    paths = [f"{number}.mp4" for number in range(len(labels))]
    return Features({1: videos, 4: 2 * videos.roll(1, 1)}, labels, classes, NAMES, paths)


def check_protocol(name: str, module: ModuleType, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Check the contract of a protocol on a small test set, in a folder that holds the files it reads."""
    assert (module.__doc__ or "").strip()
    assert module.Settings.__doc__
    typed, features = module.Settings.model_validate(settings), features_of(0)
    assert module.Settings.model_validate(typed.model_dump(mode="json")) == typed, "params.yaml holds all of it"
    with pytest.raises(ValueError, match="no_such_key"):
        module.Settings.model_validate({**settings, "no_such_key": 1})
    rows = evaluate_all(features, {name: typed})
    assert rows
    assert rows == evaluate_all(features, {name: typed}), "not deterministic"
    assert {row["clips"] for row in rows} == {1, 4}
    for row in rows:
        assert 0 <= row["top1"] <= row["top5"] <= 100
        assert 0 < row["videos"] <= len(features.labels)
        assert 0 < row["classes"] <= len(NAMES)
    order = torch.randperm(len(features.labels), generator=torch.Generator().manual_seed(1))
    shuffled = Features({clips: rows[order] for clips, rows in features.videos.items()}, features.labels[order],
                        features.classes, NAMES, [features.paths[number] for number in order])  # fmt: skip
    for row, other in zip(rows, evaluate_all(shuffled, {name: typed}), strict=True):
        for key, value in row.items():
            same = value is None or isinstance(value, str)
            assert other[key] == (value if same else pytest.approx(value, rel=1e-5)), (
                f"{key}: the videos' order matters"
            )
    assert all(path.is_file() for path in files_of({name: typed}))
    code = f"import sys; sys.path.append('.'); import {module.__name__}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": str(REPOSITORY)})  # fmt: skip
    assert not set(HEAVY) & set(done.stdout.split()), "import these inside the functions"
    return rows


def write_lists(path: Path, lists: dict[str, list[str]]) -> Path:
    rows = [f"{name},{of_class}\n" for name, classes in lists.items() for of_class in classes]
    path.write_text("".join(["list,class\n", *rows]))
    return path


def write(path: Path, features: Features) -> Path:
    parts = [torch.stack(list(features.videos.values()))]
    write_features(path, parts, list(features.videos), features.labels.numpy(), features.classes,
                   features.class_names, features.paths)  # fmt: skip
    return path


@pytest.mark.parametrize("name", plugins.names(FOLDER))
def test_protocols_keep_the_contract(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_lists(tmp_path / "lists.csv", {"a": NAMES[:3], "b": NAMES[3:], "of another test set": ["x", "y"]})
    assert name in SETTINGS, "add settings for this protocol to the test"
    check_protocol(name, plugins.load(FOLDER, name), SETTINGS[name])


def test_a_protocol_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = write_outside(tmp_path, monkeypatch, "my_protocols", "by_colour", OUTSIDE)
    for row in check_protocol("my_protocols.by_colour", module, {"colour": "red"}):
        assert row["protocol"] == "my_protocols.by_colour"
        assert (row["splits"], row["classes"], row["videos"], row["half"]) == (1, 3, 18, 0.5)


def test_rows_of_a_second_protocol_stand_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They leave the default's rows as they are, and are told apart by a last column."""
    module = write_outside(tmp_path, monkeypatch, "my_rules", "by_colour", OUTSIDE)
    path, default = write(tmp_path / "f", features_of(3)), {"half_splits": half_splits.Settings(splits=[1, 3])}
    evaluate(path, default, tmp_path / "one.json")
    evaluate(path, default | {"my_rules.by_colour": module.Settings(colour="red")}, tmp_path / "two.json")
    one, two = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("one", "two"))
    others = two.pop("my_rules.by_colour")
    assert one == two
    assert set(one) == set(others) == {"clips1", "clips4"}
    assert read_value(tmp_path / "two.json", 4, 3, "top1") == one["clips4"]["splits3"]["top1"]
    collect_metrics({("aurl", 0, "d"): tmp_path / "one.json"}, tmp_path / "one.csv")
    collect_metrics({("aurl", 0, "d"): tmp_path / "two.json"}, tmp_path / "two.csv")
    first, second = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("one", "two"))
    assert list(first) == schema.KEY_NAMES + schema.value_names()
    assert list(second) == [*first, "half", "protocol"]
    pd.testing.assert_frame_equal(
        second[second["protocol"] == "half_splits"][list(first)].reset_index(drop=True), first
    )
    assert second["protocol"].tolist() == ["half_splits"] * 4 + ["my_rules.by_colour"] * 2
    for name in ("one", "two"):
        cell = Results(tmp_path / f"{name}.csv").cell("aurl", "d", 1, 1, "top1")
        assert cell is not None
        assert (cell.mean, cell.seeds) == (pytest.approx(one["clips1"]["splits1"]["top1"], abs=1e-6), 1)
    assert compare_metrics(first, first).empty
    added = compare_metrics(first, second)
    assert set(added["protocol"]) == {"my_rules.by_colour"}
    assert set(added["metric"]) == {*schema.quantities(schema.order([])), "half"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"clips": 1.0}, "clips = 1.0"),
        ({"splits": 0}, "splits = 0"),
        ({"classes": None}, "classes = None"),
        ({"seed": 3}, "no 'variant', 'seed' or 'dataset'"),
        ({"top1": "high"}, "top1 = 'high' is no number"),
        ({"top1": torch.tensor(3.0)}, "convert it with float"),
        ({"protocol": ""}, "'' cannot name rows"),
        ({"protocol": "clips1"}, "'clips1' cannot name rows"),
        ({}, "a second row 'my_faults.faulty' of 1 clips and 1 splits"),
    ],
)
def test_unusable_rows_are_refused(
    row: dict[str, Any], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = write_outside(tmp_path, monkeypatch, "my_faults", "faulty", OUTSIDE)
    good = {"clips": 1, "splits": 1, "classes": 2, "videos": 3.0, "top1": 50.0}
    module.evaluate = lambda features, settings: [good | row, good | row]
    plugins.load.cache_clear()
    with pytest.raises(AurlError, match=words):
        evaluate_all(features_of(0), {"my_faults.faulty": module.Settings(colour="red")})


def test_class_lists_by_hand(tmp_path: Path) -> None:
    """The mean over the lists of a file; each is a test set of its own for accuracies."""
    features, draws = features_of(5), [[0, 4, 5], [1, 2, 3]]
    lists = {f"list {number}": [NAMES[index] for index in draw] for number, draw in enumerate(draws)}
    chosen = class_lists.Settings(files=[str(write_lists(tmp_path / "own.csv", lists | {"other": ["a", "b"]}))])
    row = next(iter(class_lists.evaluate(features, chosen)))
    top1 = []
    for draw in draws:
        inside = np.isin(features.labels, draw)
        unit = features.classes[draw] / features.classes[draw].norm(dim=1, keepdim=True)
        best = np.array(draw)[(features.videos[1][inside] @ unit.T).argmax(dim=1)]
        top1.append(100 * np.mean(best == features.labels.numpy()[inside]))
    assert row["top1"] == pytest.approx(np.mean(top1))
    assert row["top1_std"] == pytest.approx(np.std(top1))
    assert (row["protocol"], row["splits"], row["classes"], row["videos"]) == ("own", 2, 3, 18)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("list,name\na,b\n", "columns list and class"),
        ("list,class\n", "every line needs"),
        ("list,class\na,\n", "every line needs"),
        ("list,class\na,red ball\na,red ball\n", "no class twice"),
        ("list,class\na,red ball\na,red bal\n", "list 'a': the test set has no class 'red bal' \\(1 missing\\)"),
        ("list,class\na,red ball\na,red ring\nb,red cube\n", "different lengths"),
        (None, "FileNotFoundError"),
    ],
)
def test_unusable_lists_are_refused(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "lists.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AurlError, match=words):
        list(class_lists.evaluate(features_of(0), class_lists.Settings(files=[str(path)])))


def test_lists_of_another_test_set_give_no_rows(tmp_path: Path) -> None:
    path = write_lists(tmp_path / "lists.csv", {"a": ["x", "y"]})
    assert not list(class_lists.evaluate(features_of(0), class_lists.Settings(files=[str(path)])))


@pytest.mark.parametrize(("file", "classes"), [("truze", 34), ("truze_repository", 31)])
def test_the_shipped_lists_name_classes_of_ucf101(file: str, classes: int) -> None:
    lists = class_lists.read_lists(REPOSITORY / f"data/protocols/{file}.csv")
    with (REPOSITORY / TOKEN_TABLE).open(newline="") as handle:
        known = {row["class"] for row in csv.DictReader(handle) if row["dataset"] == "ucf101"}
    assert {name: len(names) for name, names in lists.items()} == {"ucf101": classes, "hmdb51": 22}
    assert set(lists["ucf101"]) <= known
    paper = set(class_lists.read_lists(REPOSITORY / "data/protocols/truze.csv")["ucf101"])
    assert paper - set(lists["ucf101"]) == (set() if classes == 34 else {"BaseballPitch", "CuttingInKitchen", "Punch"})


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 10_000), st.permutations(range(len(NAMES))), st.sets(st.sampled_from(range(len(NAMES))), min_size=2)
)
def test_the_order_of_classes_leaves_accuracies(seed: int, order: list[int], draw: set[int]) -> None:
    """Without ties: the classes of a test set and of a draw may stand in any order."""
    features = features_of(seed)
    position = torch.argsort(torch.tensor(order))
    moved = features.classes[order], position[features.labels], position[sorted(draw)].numpy()
    one = measure(rank(features.videos[1], features.labels, features.classes, [np.array(sorted(draw))]))
    other = measure(rank(features.videos[1], moved[1], moved[0], [moved[2]]))
    for name, values in one.items():
        assert values == pytest.approx(other[name], rel=1e-5), name


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sets(st.sampled_from(range(len(NAMES))), min_size=2))
def test_a_draw_is_a_test_set_of_its_own(seed: int, draw: set[int]) -> None:
    features, numbers = features_of(seed), sorted(draw)
    inside = torch.isin(features.labels, torch.tensor(numbers))
    whole = mean_row(1, measure(rank(features.videos[1], features.labels, features.classes, [np.array(numbers)])))
    labels = torch.searchsorted(torch.tensor(numbers), features.labels[inside])
    alone = measure(rank(features.videos[1][inside], labels, features.classes[numbers], [np.arange(len(numbers))]))
    for name in ("top1", "top5", "class_top1", "videos", "classes"):
        assert whole[name] == pytest.approx(alone[name].item()), name


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(range(5)), min_size=1, max_size=30), st.sets(st.sampled_from(range(5)), min_size=1))
def test_ties_go_to_the_first_class_of_the_draw(labels: list[int], draw: set[int]) -> None:
    """With equal scores everywhere, top-1 is the share of the first class of the draw; top-5 of five classes is all."""
    (found,) = evaluate_draws(torch.ones(len(labels), 5), torch.tensor(labels), [np.array(sorted(draw))])
    inside = [label for label in labels if label in draw]
    if not inside:
        assert found["videos"] == 0
        assert np.isnan(found["top1"])
    else:
        assert found["top1"] == pytest.approx(100 * inside.count(min(draw)) / len(inside))
        assert found["top5"] == 100


def test_a_draw_without_videos_is_left_out_of_the_file(tmp_path: Path) -> None:
    features = features_of(0)
    nobody = Features(features.videos, torch.zeros_like(features.labels), features.classes, NAMES, features.paths)
    nobody.labels[0] = 1
    lists = write_lists(tmp_path / "lists.csv", {"a": NAMES[3:]})
    chosen = class_lists.Settings(files=[str(lists)])
    evaluate(write(tmp_path / "f", nobody), {"class_lists": chosen}, tmp_path / "m.json")
    (row, _) = read_metrics(tmp_path / "m.json")
    assert "top1" not in row
    assert row["videos"] == 0


def test_the_protocol_of_the_how_to_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = file_of("how-to/protocol.md", "my_protocols/by_word.py")
    module = write_outside(tmp_path, monkeypatch, "my_words", "by_word", code)
    rows = check_protocol("my_words.by_word", module, {"words": ["red", "ball", "green"]})
    assert [(row["protocol"], row["clips"], row["classes"]) for row in rows] == [
        ("red", 1, 3), ("red", 4, 3), ("ball", 1, 2), ("ball", 4, 2),
    ]  # fmt: skip

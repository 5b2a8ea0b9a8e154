"""Generalised recognition of networks: which classes are candidates, which videos count, and what is written."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from figure_world import write_frames

from aurl.evaluation.collect import collect_metrics
from aurl.evaluation.feature_file import Features
from aurl.evaluation.generalised import generalised
from aurl.evaluation.held_out import (
    MOST_POINTS,
    measure_together,
    read_held_out,
    thinned,
    trained_too,
    write_generalised,
)
from aurl.report.figures.generalised import mean_curve
from aurl.report.results import Results
from aurl.semantics.classes import ClassEmbeddings
from aurl.semantics.seen import write_seen_table
from aurl.semantics.wordnet import read_verbs
from aurl.system.errors import AurlError

TEST = ["Archery", "golf", "sewing"]


def embedded(classes: list[str], vectors: np.ndarray) -> ClassEmbeddings:
    return ClassEmbeddings(classes, vectors.astype(np.float32), {name: [name] for name in classes}, {})


def features(labels: list[int], classes: torch.Tensor) -> Features:
    """Test videos that are the embeddings of their class, but the first one, which is the opposite."""
    videos = classes[labels].clone()
    videos[0] *= -1
    return Features({1: videos, 4: -videos}, torch.tensor(labels), classes, TEST, [f"{n}.mp4" for n in labels])


def test_classes_that_were_trained_on_are_no_candidates_twice() -> None:
    """Three trained and three test classes on six axes: each right answer can be counted by hand."""
    axes = torch.eye(6)
    test = features([0, 0, 1, 2, 2], axes[3:])
    held_out, labels = axes[[0, 1, 2, 2]].clone(), np.array([0, 1, 2, 2])
    held_out[3] = axes[4]  # taken for golf
    measured, row = measure_together(held_out, labels, axes[:3], test, set(), 1)
    assert (row["generalised_seen"], row["classes"], row["videos"]) == (pytest.approx(100 * 2.5 / 3), 6, 9)
    assert row["generalised_unseen"] == pytest.approx(100 * 2.5 / 3), "one of two Archery videos is wrong"
    assert row["harmonic"] == pytest.approx(100 * 2.5 / 3)
    _, row = measure_together(held_out, labels, axes[:3], test, {"golf"}, 1)
    assert (row["classes"], row["videos"], row["seen_classes"], row["trained_test_classes"]) == (5, 8, 3, 1)
    assert row["generalised_seen"] == pytest.approx(100 * 2.5 / 3), (
        "its other candidates are equally far: the first wins"
    )
    assert row["generalised_unseen"] == pytest.approx(75)
    assert measure_together(held_out, labels, axes[:3], test, set(TEST), 1) is None
    assert measured.seen == pytest.approx(100 * 2.5 / 3)


def test_the_measures_are_those_of_the_cosines() -> None:
    rng = np.random.default_rng(4)
    seen, test = torch.from_numpy(rng.normal(size=(5, 7))).float(), torch.from_numpy(rng.normal(size=(3, 7))).float()
    own = np.array([0, 1, 1, 2])
    labels, videos = np.arange(10) % 5, torch.from_numpy(rng.normal(size=(10, 7))).float()
    of_test = Features(
        {2: torch.from_numpy(rng.normal(size=(4, 7))).float()}, torch.tensor(own), test, TEST, list("abcd")
    )
    together = torch.cat([videos, of_test.videos[2]]).double(), torch.cat([seen, test]).double()
    units = [torch.nn.functional.normalize(rows, dim=1) for rows in together]
    expected = generalised((units[0] @ units[1].T).numpy(), np.concatenate([labels, 5 + own]), np.arange(8) < 5)
    measured = measure_together(videos, labels, seen, of_test, set(), 2)
    assert measured is not None
    assert (measured[0].seen, measured[0].unseen) == (expected.seen, expected.unseen)
    assert measured[0].ausuc == pytest.approx(expected.ausuc)


def test_trained_classes_are_known_by_name_and_by_distance() -> None:
    seen = embedded(["archery", "riding a horse", "tai chi"], np.eye(4)[:3])
    unseen = embedded(
        ["Archery", "golf", "ride horse", "taichi like"], np.array([[0, 0, 0, 1]] * 3 + [[0, 0, 1, 0.01]])
    )
    assert trained_too(seen, unseen, 0.05, read_verbs()) == {"Archery", "ride horse", "taichi like"}
    assert trained_too(seen, unseen, 0, read_verbs()) == {"Archery", "ride horse"}


def test_held_out_videos_of_other_classes_do_not_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classes = ["archery", "golf", "sewing", "tai chi"]
    write_frames(tmp_path / "others.csv", tmp_path / "frames/index.json", classes[:3], np.random.default_rng(0))
    seen = tmp_path / "seen.safetensors"
    _write_embeddings(seen, classes)
    facts = {"distance": 0.3, "nearest_class": "x", "nearest_dataset": "y"}
    table = pd.DataFrame({"class": classes, "kept": [True, False, True, True], **facts})
    write_seen_table(table, tmp_path / "seen_classes.csv")
    files = tmp_path / "others.csv", "leave_out", tmp_path / "frames/index.json", seen, tmp_path / "seen_classes.csv"
    strict, whole = read_held_out(*files, strict=True), read_held_out(*files, strict=False)
    assert strict.classes.classes == ["archery", "sewing", "tai chi"]
    assert np.bincount(strict.labels).tolist() == [4, 4]
    assert np.bincount(whole.labels).tolist() == [4, 4, 4]
    assert "others: 1 of 3 trained classes have no held-out video" in capsys.readouterr().err
    table["kept"] = [False, False, False, True]
    write_seen_table(table, tmp_path / "seen_classes.csv")
    with pytest.raises(AurlError, match=r"no video of a class that was trained on \(its first class: 'archery'\)"):
        read_held_out(*files, strict=True)


def _write_embeddings(path: Path, classes: list[str]) -> None:
    from safetensors.numpy import save

    metadata = {"classes": classes, "tokens": {name: [name] for name in classes}, "dropped": {}}
    vectors = np.eye(len(classes), dtype=np.float32)
    path.write_bytes(save({"embeddings": vectors}, {"aurl": json.dumps(metadata)}))


def test_rows_and_curves_are_written_and_collected(tmp_path: Path) -> None:
    axes = torch.eye(6)
    measured = [
        (seed, dataset, *measure_together(axes[:3], np.arange(3), axes[:3], features([0, 1, 2], axes[3:]), left_out, 1))
        for seed in (0, 2)
        for dataset, left_out in (("one", set()), ("two", {"golf"}))
    ]
    write_generalised(tmp_path / "a.json", tmp_path / "a.csv", measured)
    curve = pd.read_csv(tmp_path / "a.csv")
    assert sorted(set(zip(curve["seed"], curve["dataset"], strict=True))) == [
        (0, "one"),
        (0, "two"),
        (2, "one"),
        (2, "two"),
    ]
    assert curve.groupby(["seed", "dataset"])["gamma"].agg(["first", "last"]).abs().to_numpy().min() == np.inf
    collect_metrics({}, tmp_path / "metrics.csv", generalised={("aurl", "others"): tmp_path / "a.json"})
    results = Results(tmp_path / "metrics.csv")
    cell = results.together("aurl", "two", 1)
    assert cell is not None
    assert (cell.classes, cell.seen, cell.left_out, cell.harmonic.seeds) == (5, 3, 1, 2)
    assert cell.unseen_accuracy.mean == pytest.approx(50)
    assert results.together("aurl", "two", 4) is None
    assert results.together("ls", "two", 1) is None
    assert results.other_protocols() == []


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    curve = np.arange(3 * 2000).reshape(2000, 3)
    assert len(thinned(curve)) == MOST_POINTS
    assert thinned(curve)[[0, -1]].tolist() == curve[[0, -1]].tolist()
    assert thinned(curve[:7]).tolist() == curve[:7].tolist()


def test_the_curve_of_a_figure_is_the_mean_of_seeds_at_each_gamma() -> None:
    rows = [
        (0, -np.inf, 80, 0),
        (0, 0.5, 40, 20),
        (0, np.inf, 0, 60),
        (1, -np.inf, 60, 0),
        (1, 0.2, 20, 40),
        (1, np.inf, 0, 50),
    ]
    table = pd.DataFrame(rows, columns=["seed", "gamma", "seen", "unseen"])
    assert mean_curve(table, np.array([-np.inf, 0.2, 0.3, 0.5, np.inf])).tolist() == [
        [70, 0],
        [50, 20],
        [50, 20],
        [30, 30],
        [0, 55],
    ]

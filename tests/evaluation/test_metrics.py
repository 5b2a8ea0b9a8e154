"""Accuracy, closeness, dispersion and the protocol, against plain loops."""

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from split_table import split_table

from aurl.evaluation.metrics import class_mean, closeness, cosine_similarity, dispersion, hits
from aurl.evaluation.protocol import evaluate_draws, half_class_split
from aurl.evaluation.protocols.half_splits import measure_splits
from aurl.system.shipped import TEST_SPLITS, TOKEN_TABLE


def plain_closeness(videos: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> float:
    per_class = []
    for y in sorted(set(labels)):
        distances = [1 - v @ classes[y] / np.linalg.norm(v) / np.linalg.norm(classes[y]) for v in videos[labels == y]]
        per_class.append(np.mean(distances))
    return float(np.mean(per_class))


def plain_dispersion(videos: np.ndarray, labels: np.ndarray) -> float:
    means = []
    for y in sorted(set(labels)):
        mean = np.mean([v / np.linalg.norm(v) for v in videos[labels == y]], axis=0)
        means.append(mean / np.linalg.norm(mean))
    nearest = [min(1 - a @ b for k, b in enumerate(means) if k != i) for i, a in enumerate(means)]
    return float(np.mean(nearest))


def world(seed: int, classes: int = 6, per_class: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.sort(rng.integers(0, classes, classes * per_class))
    labels[:classes] = np.arange(classes)
    return rng.normal(size=(len(labels), 8)), labels, rng.normal(size=(classes, 8))


@pytest.mark.parametrize("seed", range(5))
def test_closeness_and_dispersion_equal_plain_loops(seed: int) -> None:
    videos, labels, classes = world(seed)
    tensors = torch.tensor(videos), torch.tensor(labels), torch.tensor(classes)
    assert closeness(*tensors).item() == pytest.approx(plain_closeness(videos, labels, classes))
    assert dispersion(*tensors[:2]).item() == pytest.approx(plain_dispersion(videos, labels))


def test_closeness_weighs_classes_not_videos() -> None:
    videos = torch.tensor([[1.0, 0], [1, 0], [1, 0], [0, 1]])
    labels = torch.tensor([0, 0, 0, 1])
    classes = torch.tensor([[2.0, 0], [1, 0]])
    assert closeness(videos, labels, classes).item() == pytest.approx((0 + 1) / 2)


def test_dispersion_by_hand() -> None:
    videos = torch.tensor([[3.0, 0], [0, 2], [-1, 0]])
    assert dispersion(videos, torch.tensor([0, 1, 2])).item() == pytest.approx(1.0)


def test_dispersion_needs_two_classes() -> None:
    with pytest.raises(ValueError, match="at least two classes"):
        dispersion(torch.ones(3, 2), torch.zeros(3, dtype=torch.int64))


def test_hits_and_class_mean_by_hand() -> None:
    scores = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5], [0.2, 0.3, 0.5]])
    labels = torch.tensor([0, 1, 2])
    assert hits(scores, labels, 1).tolist() == [True, False, True]
    assert hits(scores, labels, 2).tolist() == [True, True, True]
    assert hits(scores, labels, 9).all()


def test_equal_scores_and_what_is_no_number() -> None:
    """Of equal scores the earlier class comes first, as in argmax; a score that is no number is never right."""
    equal, nan = torch.ones(3, 3), torch.full((3, 3), torch.nan)
    labels = torch.arange(3)
    assert hits(equal, labels, 1).tolist() == [True, False, False]
    assert hits(equal, labels, 2).tolist() == [True, True, False]
    assert not hits(nan, labels, 1).any()
    other = torch.tensor([[0.5, torch.nan], [0.5, 0.4]])
    assert hits(other, torch.tensor([0, 0]), 1).tolist() == [False, True]
    (draw,) = evaluate_draws(nan, labels, [np.arange(3)])
    assert draw["top1"] == 0


def test_class_mean_by_hand() -> None:
    assert class_mean(torch.tensor([1.0, 0.0, 1.0]), torch.tensor([4, 4, 7])).item() == pytest.approx(0.75)


@given(st.integers(2, 120), st.integers(0, 49))
def test_half_class_split_is_the_released_rule(classes: int, seed: int) -> None:
    split = half_class_split(classes, seed)
    assert split.tolist() == sorted(np.random.RandomState(seed).permutation(classes)[: classes // 2].tolist())
    assert len(set(split.tolist())) == classes // 2
    assert split.min() >= 0
    assert split.max() < classes


@pytest.mark.parametrize(("dataset", "classes"), [("ucf101", 101), ("hmdb51", 51)])
def test_the_table_of_splits_is_what_evaluation_uses(
    dataset: str, classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    table = pd.read_csv(TEST_SPLITS)
    pd.testing.assert_frame_equal(split_table(["ucf101", "hmdb51"]), table)
    rows = table[table["dataset"] == dataset]
    assert rows["split"].tolist() == list(range(50))
    with TOKEN_TABLE.open(newline="") as handle:
        names = sorted(row["class"] for row in csv.DictReader(handle) if row["dataset"] == dataset)
    assert len(names) == classes
    rng = np.random.default_rng(1)
    labels, semantic = np.repeat(np.arange(classes), 4), rng.normal(size=(classes, 12))
    videos = semantic[labels] + 2 * rng.normal(size=(4 * classes, 12))
    found = pd.DataFrame(
        measure_splits({1: torch.tensor(videos)}, torch.tensor(labels), torch.tensor(semantic), [3, 10, 50])
    )
    cosine = videos @ (semantic / np.linalg.norm(semantic, axis=1, keepdims=True)).T
    top1 = []
    for listed in rows["classes"]:
        chosen = [names.index(name) for name in listed.split(";")]
        inside = np.isin(labels, chosen)
        top1.append(100 * np.mean(np.array(chosen)[cosine[inside][:, chosen].argmax(axis=1)] == labels[inside]))
    for _, row in found.iterrows():
        assert row["top1"] == pytest.approx(np.mean(top1[: int(row["splits"])]))
        assert row["top1_std"] == pytest.approx(np.std(top1[: int(row["splits"])]))


def test_half_class_split_sizes_of_the_paper() -> None:
    assert len(half_class_split(101, 0)) == 50
    assert len(half_class_split(51, 0)) == 25


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(2, 9))
def test_a_draw_equals_a_distance_matrix_on_the_subset(seed: int, classes: int) -> None:
    videos, labels, names = world(seed, classes)
    chosen = half_class_split(classes, seed % 50) if classes > 3 else np.arange(classes)
    similarity = cosine_similarity(torch.tensor(videos), torch.tensor(names))
    _, found = evaluate_draws(similarity, torch.tensor(labels), [np.arange(classes), chosen])
    right, top5, total, per_class = 0, 0, 0, {}
    for video, label in zip(videos, labels, strict=True):
        if label not in chosen:
            continue
        order = sorted(chosen, key=lambda y: -(video @ names[y]) / np.linalg.norm(video) / np.linalg.norm(names[y]))
        right += order[0] == label
        top5 += label in order[:5]
        total += 1
        per_class.setdefault(label, []).append(order[0] == label)
    assert found["videos"] == total
    assert found["top1"] == pytest.approx(100 * right / total)
    assert found["top5"] == pytest.approx(100 * top5 / total)
    assert found["class_top1"] == pytest.approx(100 * np.mean([np.mean(hit) for hit in per_class.values()]))


def test_many_videos_are_evaluated_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    videos, labels, names = (torch.tensor(array) for array in world(3))
    whole = pd.DataFrame(measure_splits({1: videos}, labels, names, [1, 10]))
    monkeypatch.setattr("aurl.evaluation.metrics.ROWS", 7)
    monkeypatch.setattr("aurl.evaluation.draws.PART", 14)
    assert len(labels) > 28
    pd.testing.assert_frame_equal(pd.DataFrame(measure_splits({1: videos}, labels, names, [1, 10])), whole)


def test_protocol_table() -> None:
    videos, labels, names = world(7)
    tensors = torch.tensor(videos), torch.tensor(labels), torch.tensor(names)
    table = pd.DataFrame(measure_splits({1: tensors[0], 4: 2 * tensors[0]}, tensors[1], tensors[2], [1, 3, 10]))
    assert table[["clips", "splits"]].to_numpy().tolist() == [[c, s] for c in (1, 4) for s in (1, 3, 10)]
    similarity = cosine_similarity(tensors[0], tensors[2])
    halves = [half_class_split(6, seed) for seed in range(3)]
    draws = [draw["top1"] for draw in evaluate_draws(similarity, tensors[1], halves)]
    row = table[(table["clips"] == 1) & (table["splits"] == 3)].iloc[0]
    assert row["top1"] == pytest.approx(np.mean(draws))
    assert row["top1_std"] == pytest.approx(math.sqrt(np.mean((np.array(draws) - np.mean(draws)) ** 2)))
    assert row["classes"] == 3
    everything = table[table["splits"] == 1].iloc[0]
    assert np.isnan(everything["top1_std"])
    assert everything["classes"] == 6
    assert everything["videos"] == len(labels)
    assert table["closeness"].nunique() == 1  # scaling an embedding changes no cosine

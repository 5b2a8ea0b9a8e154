"""Generalised zero-shot recognition against plain loops over videos, classes and gammas."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aurl.evaluation.generalised import generalised
from aurl.system.errors import AurlError


def world(seed: int, whole: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    seen = np.array([True, False, True, True, False])
    labels = np.concatenate([np.arange(5), random.integers(0, 5, 25)])
    scores = random.normal(size=(30, 5)) + 1.5 * np.eye(5)[labels] + seen
    return (scores.round() if whole else scores), labels, seen


def by_hand(scores: np.ndarray, labels: np.ndarray, seen: np.ndarray, gamma: float) -> tuple[float, float]:
    """S and U in percent: the first of the best classes after subtracting gamma, counted class by class."""
    best = (scores - gamma * seen).argmax(axis=1)
    accuracies = [100 * np.mean(best[labels == number] == number) for number in range(len(seen))]
    return float(np.mean(np.array(accuracies)[seen])), float(np.mean(np.array(accuracies)[~seen]))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from([0, -1, 0.5, 1, 2]), st.booleans())
def test_accuracies_are_those_of_a_loop(seed: int, gamma: float, whole: bool) -> None:
    """Also with ties."""
    scores, labels, seen = world(seed, whole)
    measured = generalised(scores, labels, seen, gamma)
    s, u = by_hand(scores, labels, seen, gamma)
    assert (measured.seen, measured.unseen) == pytest.approx((s, u))
    assert measured.harmonic == pytest.approx(2 * s * u / (s + u) if s + u else 0)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_every_point_of_the_curve_is_a_loops(seed: int) -> None:
    scores, labels, seen = world(seed)
    measured = generalised(scores, labels, seen)
    gammas, of_seen, of_unseen = measured.curve.T
    for gamma, s, u in measured.curve[1:-1]:
        assert (s, u) == pytest.approx(by_hand(scores, labels, seen, gamma), abs=1e-9)
    assert (np.diff(gammas) > 0).all()
    assert (np.diff(of_seen) <= 1e-9).all()
    assert (np.diff(of_unseen) >= -1e-9).all()
    harmonics = 2 * of_seen * of_unseen / (of_seen + of_unseen)
    assert harmonics[gammas == measured.best_gamma] == pytest.approx(harmonics.max())
    area = sum((u2 - u1) * (s1 + s2) / 2 for s1, s2, u1, u2 in
               zip(of_seen, of_seen[1:], of_unseen, of_unseen[1:], strict=False))  # fmt: skip
    assert measured.ausuc == pytest.approx(area / 10_000)


def test_the_ends_of_the_curve_are_the_separate_label_spaces() -> None:
    scores, labels, seen = world(3)
    curve = generalised(scores, labels, seen).curve
    for end, kind in ((0, True), (-1, False)):
        alone = np.where(seen == kind, scores, -np.inf).argmax(axis=1)
        accuracies = [100 * np.mean(alone[labels == number] == number) for number in np.flatnonzero(seen == kind)]
        assert curve[end, 1 if kind else 2] == pytest.approx(np.mean(accuracies))
        assert curve[end, 2 if kind else 1] == pytest.approx(0, abs=1e-9)


def test_a_perfect_method_has_all_of_the_area() -> None:
    labels, seen = np.arange(6), np.array([True] * 3 + [False] * 3)
    measured = generalised(np.eye(6), labels, seen)
    assert (measured.seen, measured.unseen, measured.harmonic, measured.ausuc) == pytest.approx((100, 100, 100, 1))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.permutations(range(30)), st.permutations(range(5)))
def test_the_order_of_videos_and_classes_never_counts(seed: int, videos: list[int], classes: list[int]) -> None:
    scores, labels, seen = world(seed)
    first = generalised(scores, labels, seen)
    moved = generalised(scores[videos][:, classes], np.argsort(classes)[labels[videos]], seen[classes])
    assert moved.curve == pytest.approx(first.curve)
    assert moved.ausuc == pytest.approx(first.ausuc)


def test_torch_is_taken_and_bad_input_refused() -> None:
    scores, labels, seen = world(0)
    tensors = (torch.from_numpy(array) for array in (scores, labels, seen))
    assert generalised(*tensors).harmonic == generalised(scores, labels, seen).harmonic
    for bad, message in (
        ((scores[:, 1:], labels, seen), "do not fit"),
        ((scores, labels, seen.astype(int)), "seen is True or False"),
        ((np.where(scores > 2, np.nan, scores), labels, seen), "finite numbers"),
        ((scores, labels + 1, seen), "from 0 to 4"),
        ((scores, labels, np.ones(5, bool)), "videos of seen and of unseen classes"),
    ):
        with pytest.raises(AurlError, match=message):
            generalised(*bad)

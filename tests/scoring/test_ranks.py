"""The numpy rules of `aurl score` against the torch rules of the evaluation, and against counting by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import skew

from aurl.evaluation import metrics
from aurl.evaluation.draws import evaluate_draws
from aurl.evaluation.named.base import Run
from aurl.evaluation.test_sets import TestSet
from aurl.scoring import geometry
from aurl.scoring.matching import Matched
from aurl.scoring.ranks import hits_of, ranked_above

CLASSES = tuple("abcdefg")


def matched_of(scores: np.ndarray, labels: np.ndarray) -> Matched:
    nothing = np.zeros(0, np.int64), np.zeros((0, 3), np.int8)
    test_set = TestSet("olympic_sports16", "Small", CLASSES, (), *nothing, CLASSES)
    return Matched("file", test_set, labels, None, None, np.ones(len(CLASSES), bool), scores)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.data())
def test_ranks_and_accuracies_are_those_of_the_evaluation(videos: int, data: st.DataObject) -> None:
    """Also with ties, of which whole numbers as scores have many."""
    scores = data.draw(arrays.arrays(np.float32, (videos, len(CLASSES)), elements=st.integers(0, 3)))
    labels = data.draw(arrays.arrays(np.int64, videos, elements=st.integers(0, len(CLASSES) - 1)))
    draw = sorted(data.draw(st.sets(st.sampled_from(range(len(CLASSES))), min_size=1)))
    theirs = metrics.ranked_above(torch.from_numpy(scores), torch.from_numpy(labels)).numpy()
    assert np.array_equal(ranked_above(scores, labels), theirs)
    (hits,) = hits_of(matched_of(scores, labels), [Run("draw", tuple(CLASSES[number] for number in draw))])
    (expected,) = evaluate_draws(torch.from_numpy(scores), torch.from_numpy(labels), [np.array(draw)])
    assert hits.inside.sum() == expected["videos"]
    if hits.inside.any():
        assert hits.top5 is not None
        assert hits.accuracy(hits.top1) == pytest.approx(expected["top1"])
        assert hits.accuracy(hits.top5) == pytest.approx(expected["top5"])
        assert hits.class_mean(labels) == pytest.approx(expected["class_top1"])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_closeness_and_dispersion_are_those_of_the_evaluation(seed: int) -> None:
    random = np.random.default_rng(seed)
    videos, classes = random.normal(size=(30, 6)), random.normal(size=(7, 6))
    labels = random.integers(0, 7, 30)
    units = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (videos, classes)]
    torch_ = torch.from_numpy(videos), torch.from_numpy(labels), torch.from_numpy(classes)
    assert geometry.closeness(units[0], labels, units[1]) == pytest.approx(metrics.closeness(*torch_).item())
    assert geometry.dispersion(units[0], labels) == pytest.approx(metrics.dispersion(*torch_[:2]).item())


def test_hub_skewness_by_hand() -> None:
    """Seven classes, chosen 5, 1, 1, 0, 0, 0, 0 times: scipy's skewness of these counts."""
    best = np.array([0, 0, 0, 0, 0, 1, 2])
    assert geometry.hub_skewness(np.eye(7)[best]) == pytest.approx(skew([5, 1, 1, 0, 0, 0, 0]))
    assert geometry.hub_skewness(np.eye(7)) == 0

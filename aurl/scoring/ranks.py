"""Rank classes in numpy, by the rule of `aurl.evaluation.metrics`.

That module computes in torch, whose import takes longer than the whole command.
"""

from dataclasses import dataclass

import numpy as np

from aurl.evaluation.named.base import Run
from aurl.scoring.matching import Matched


@dataclass(frozen=True)
class Hits:
    """Hold a run's result: which videos count, and which are hits.

    Args:
        inside: bool (N,), whether the video counts. top1: whether its class is the best.
        top5: whether its class is among the best five; None where only the best class is known.
    """

    inside: np.ndarray
    top1: np.ndarray
    top5: np.ndarray | None

    def accuracy(self, hits: np.ndarray) -> float:
        """Average hits over the run's videos, in percent."""
        return float(100 * hits.sum() / self.inside.sum())

    def class_mean(self, labels: np.ndarray) -> float:
        """Average top-1 over the videos of each class, then over the classes, in percent."""
        counts = np.bincount(labels[self.inside])
        right = np.bincount(labels[self.top1], minlength=len(counts))
        return float(100 * (right[counts > 0] / counts[counts > 0]).mean())


def ranked_above(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mark the classes ranked above the video's own: scores (N, C), labels (N,) -> bool (N, C).

    Of equal scores the earlier class is ranked first.
    """
    own = np.take_along_axis(scores, labels[:, None], 1)
    earlier = np.arange(scores.shape[1]) < labels[:, None]
    return (scores > own) | ((scores == own) & earlier)


def hits_of(matched: Matched, runs: list[Run]) -> list[Hits]:
    """Test a matched submission by runs on one test set."""
    places = {name: number for number, name in enumerate(matched.test_set.classes)}
    candidates = np.zeros((len(places), len(runs)), np.float32)
    for column, run in enumerate(runs):
        candidates[[places[name] for name in run.classes], column] = 1
    ranks = None
    if matched.scores is not None:
        ranks = ranked_above(matched.scores, matched.labels).astype(np.float32) @ candidates  # counts, exact in float32
    return [_hits(matched, run, candidates[:, number], None if ranks is None else ranks[:, number])
            for number, run in enumerate(runs)]  # fmt: skip


def _hits(matched: Matched, run: Run, candidates: np.ndarray, ranks: np.ndarray | None) -> Hits:
    inside = candidates[matched.labels] > 0
    if run.videos is not None:
        assert matched.videos is not None
        inside &= run.videos[matched.videos]
    if ranks is None:
        return Hits(inside, inside & (matched.predicted == matched.labels), None)
    return Hits(inside, inside & (ranks < 1), inside & (ranks < 5))

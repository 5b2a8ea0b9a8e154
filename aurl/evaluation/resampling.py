"""Bootstrap an accuracy: draw seeds, then classes, then videos within their classes.

All seeds are tested on the same videos, so a resample draws its classes once, and in each class its videos once, for
all the seeds that it drew (drawn for each seed apart, the luck of the videos would average out over seeds, which it
does not). The candidates of the classification stay all classes: what is drawn is which videos count.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Resamples:
    """Hold each resample's mean over videos, and mean over classes of the mean over videos: (resamples,)."""

    over_videos: np.ndarray
    over_classes: np.ndarray


def resample(
    values: np.ndarray, labels: np.ndarray, resamples: int, seed: int, fixed_classes: bool = False
) -> Resamples:
    """Draw seeds, classes and videos with replacement, as many as there are.

    n videos drawn from a class's n hold each pattern of values over the seeds a multinomial number of times (with one
    seed: a binomial number of hits), and a class drawn c times is c such draws, together a multinomial one of c * n:
    exact, without a single video being picked.

    Args:
        values: (seeds, N) integers: 1 for a hit and 0 for a miss, or the difference of two such.
        labels: (N,) int64.
        seed: of the random numbers; equal for all accuracies of an experiment, so that they share their draws.
        fixed_classes: every class once; only seeds and videos are drawn.
    """
    rng = np.random.default_rng(seed)
    seeds = len(values)
    drawn_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), resamples) / seeds
    _, classes = np.unique(labels, return_inverse=True)
    sizes = np.bincount(classes)
    drawn = np.ones((resamples, len(sizes)), np.int64)
    if not fixed_classes:
        drawn = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), resamples)
    over_videos, over_classes = np.zeros((2, resamples, seeds))
    for number, size in enumerate(sizes):
        patterns, counts = np.unique(values[:, classes == number], axis=1, return_counts=True)
        videos = rng.multinomial(drawn[:, number] * size, counts / size)
        sums = videos @ patterns.T.astype(np.int64)
        over_videos += sums
        over_classes += sums / size
    return Resamples(
        (drawn_seeds * over_videos).sum(axis=1) / (drawn @ sizes),
        (drawn_seeds * over_classes).sum(axis=1) / len(sizes),
    )


def percentiles(draws: np.ndarray, confidence: float) -> tuple[float, float]:
    """Give the interval that leaves out as many resamples below as above."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)

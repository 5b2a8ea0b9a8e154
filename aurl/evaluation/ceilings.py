"""Compute what can be attained on a rendered test set.

The factors that each video was drawn with are known.

- the oracle knows each video's own factors and the true factors of every class; it answers the nearest class.
- the linear map knows each video's own factors too, but must predict those of the test classes from their words: by
  ridge regression, fitted on the seen classes. No test class takes part in the fit, nor in the choice of its strength.

The gap between the two is what words do not tell in a straight line. A method that sees pixels only may pass the linear
map, if it learns the curve, but not the oracle.
"""

from dataclasses import dataclass

import numpy as np

from aurl.datasets.world import video_factors, video_random, world_classes
from aurl.experiment.settings import RenderSettings
from aurl.semantics.classes import ClassEmbeddings

STRENGTHS = 10.0 ** np.arange(-4, 3)  # of the ridge


@dataclass(frozen=True)
class Ceilings:
    """Top-1 over all classes of one test set, in percent."""

    chance: float
    linear: float
    oracle: float


def compute_ceilings(
    seen: RenderSettings, seen_words: ClassEmbeddings, kept: list[str], tested: RenderSettings, words: ClassEmbeddings
) -> Ceilings:
    """Compute the ceilings of a rendered test set.

    Args:
        seen, seen_words: the rendered seen classes and their embeddings. kept: the seen classes to fit on.
        tested, words: the rendered test classes and their embeddings.
    """
    known = dict(zip(seen_words.classes, seen_words.vectors, strict=True))
    taken = known.keys() & set(kept)
    fitted = [shown for shown in world_classes(seen) if shown.name in taken]
    inputs = np.stack([known[shown.name] for shown in fitted]).astype(np.float64)
    classes = {shown.name: shown for shown in world_classes(tested)}
    shown_classes = [classes[name] for name in words.classes]
    true = np.stack([shown.factors for shown in shown_classes])
    predicted = linear_map(inputs, np.stack([shown.factors for shown in fitted]), words.vectors.astype(np.float64))
    videos = np.stack(
        [
            video_factors(shown, video_random(tested, shown, number))
            for shown in shown_classes
            for number in range(tested.videos_per_class)
        ]
    )
    labels = np.repeat(np.arange(len(true)), tested.videos_per_class)
    return Ceilings(100 / len(true), nearest_top1(videos, labels, predicted), nearest_top1(videos, labels, true))


def nearest_top1(videos: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> float:
    """Compute top-1 in percent of the nearest class: factors (n, k), labels (n,), classes (C, k)."""
    distances = ((videos[:, None, :] - classes[None, :, :]) ** 2).sum(axis=2)
    return float(100 * (distances.argmin(axis=1) == labels).mean())


def linear_map(inputs: np.ndarray, targets: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Fit targets (n, k) by inputs (n, d) with ridge regression, and apply it to others (m, d): (m, k).

    The strength is the one with the smallest error on each fitted row left out in turn, which has a closed form.
    """
    centre, level = inputs.mean(axis=0), targets.mean(axis=0)
    left, scale, right = np.linalg.svd(inputs - centre, full_matrices=False)
    projected = left.T @ (targets - level)

    def left_out_error(strength: float) -> float:
        shrink = scale**2 / (scale**2 + strength)
        residual = targets - level - left @ (shrink[:, None] * projected)
        leverage = (left**2 * shrink).sum(axis=1) + 1 / len(inputs)
        return float(((residual / (1 - leverage)[:, None]) ** 2).mean())

    best = min(STRENGTHS, key=left_out_error)
    weights = right.T @ ((scale / (scale**2 + best))[:, None] * projected)
    return (asked - centre) @ weights + level

"""Measure generalised zero-shot recognition: seen and unseen classes are candidates together.

S and U are the mean class accuracies on held-out videos of seen, and on videos of unseen classes; H = 2 S U / (S + U)
(Xian et al., TPAMI 2018). Calibrated stacking subtracts gamma from the scores of seen classes; AUSUC is the area under
the curve of S over U for all gammas (Chao et al., ECCV 2016). gamma must be chosen on validation classes, never on test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aurl.system.errors import AurlError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Generalised:
    """Hold S, U, H in percent at one gamma, and the curve over all gammas.

    Args:
        curve: (points, 3), gamma, S and U in percent, from -inf (all videos are given to seen classes) to inf.
        ausuc: the area under S over U, from 0 to 1.
        best_gamma: where H is largest; use that of validation classes for test classes.
    """

    gamma: float
    seen: float
    unseen: float
    harmonic: float
    ausuc: float
    best_gamma: float
    curve: np.ndarray


def generalised(
    scores: "ArrayLike", labels: "Sequence[int] | ArrayLike", seen: "Sequence[bool] | ArrayLike", gamma: float = 0
) -> Generalised:
    """Measure scores of seen and unseen classes together.

    Args:
        scores: (N, C), larger is better. labels: (N,) class numbers. seen: bool (C,), which classes are seen.
        gamma: subtracted from the scores of seen classes.
    Raises: AurlError for shapes that do not fit, a NaN, or videos or classes of one kind only.
    """
    values, own, is_seen = _checked(scores, labels, seen)
    columns = {kind: np.flatnonzero(is_seen == kind) for kind in (True, False)}
    best = {kind: numbers[values[:, numbers].argmax(axis=1)] for kind, numbers in columns.items()}
    rows = np.arange(len(own))
    margins = values[rows, best[True]] - values[rows, best[False]]  # a video is given to a seen class where above gamma
    weights = _weights(own) / np.array([len(np.unique(own[is_seen[own] == kind])) for kind in is_seen[own]])
    right = {kind: np.where(is_seen[own] == kind, best[kind] == own, False) * weights for kind in (True, False)}
    to_seen = (margins > gamma) | ((margins == gamma) & (best[True] < best[False]))  # of equal scores the earlier class
    s, u = (float(100 * right[kind][to_seen == kind].sum()) for kind in (True, False))
    curve = _curve(margins, right[True], right[False])
    area = float(np.trapezoid(curve[:, 1], curve[:, 2])) / 1e4
    harmonics = _harmonic(curve[:, 1], curve[:, 2])
    return Generalised(gamma, s, u, float(_harmonic(s, u)), area, float(curve[harmonics.argmax(), 0]), curve)


def _curve(margins: np.ndarray, seen: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Compute S and U between any two neighbouring margins, where neither changes."""
    steps, place = np.unique(margins, return_inverse=True)
    lost = np.concatenate([[0], np.cumsum(np.bincount(place, seen, len(steps)))])
    won = np.concatenate([[0], np.cumsum(np.bincount(place, unseen, len(steps)))])
    gammas = np.concatenate([[-np.inf], (steps[:-1] + steps[1:]) / 2, [np.inf]])
    return np.stack([gammas, 100 * (seen.sum() - lost), 100 * won], axis=1).clip(min=[-np.inf, 0, 0])


def _weights(labels: np.ndarray) -> np.ndarray:
    """Weigh each video by one over the number of its class's videos."""
    return 1 / np.bincount(labels)[labels]


def _harmonic(seen: Any, unseen: Any) -> Any:
    return 2 * seen * unseen / np.maximum(seen + unseen, 1e-12)


def _checked(scores: Any, labels: Any, seen: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    plain = (array.detach().cpu().numpy() if hasattr(array, "detach") else array for array in (scores, labels, seen))
    values, own, is_seen = (np.asarray(array) for array in plain)
    if values.ndim != 2 or own.shape != values.shape[:1] or is_seen.shape != values.shape[1:]:
        raise AurlError(
            f"generalised: scores {values.shape}, labels {own.shape} and seen {is_seen.shape} do not fit; they are (N, C),"
            " (N,) and (C,)"
        )
    if is_seen.dtype != bool or own.dtype.kind not in "iu" or not np.isfinite(values).all():
        raise AurlError("generalised: scores are finite numbers, labels whole numbers, seen is True or False")
    if own.size and (own.min() < 0 or own.max() >= len(is_seen)):
        raise AurlError(f"generalised: labels are class numbers from 0 to {len(is_seen) - 1}")
    if len({*is_seen[own].tolist()}) < 2:
        raise AurlError("generalised: it needs videos of seen and of unseen classes")
    return values.astype(np.float64), own, is_seen

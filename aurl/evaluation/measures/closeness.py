"""Closeness: the mean over classes of the mean over their videos of 1 - cos(v, s_y) (AURL's poster)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.evaluation.draws import DrawAccuracy

LABEL, UNIT, BETTER, DIGITS, SPREAD = "closeness", "", "smaller", 2, False


def compute(tested: "DrawAccuracy") -> "Tensor":
    """Compute the closeness of the whole test set, a scalar, from cosines that are already there."""
    from aurl.evaluation.metrics import class_mean

    return class_mean(1 - tested.own, tested.labels)

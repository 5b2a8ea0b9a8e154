"""Dispersion: the mean distance of a class-mean video embedding to the nearest (AURL's poster)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.evaluation.draws import DrawAccuracy

LABEL, UNIT, BETTER, DIGITS, SPREAD = "dispersion", "", "larger", 2, False


def compute(tested: "DrawAccuracy") -> "Tensor":
    """Compute the dispersion of the whole test set, a scalar. Raises: ValueError below two classes."""
    from aurl.evaluation import metrics

    assert tested.videos is not None
    return metrics.dispersion(tested.videos, tested.labels)

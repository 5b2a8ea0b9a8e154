"""Top-1 accuracy: the percentage of a draw's videos whose own class is ranked first (E2E, AURL)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.evaluation.draws import DrawAccuracy

LABEL, UNIT, BETTER, DIGITS, SPREAD = "top-1", "%", "larger", 1, True


def compute(tested: "DrawAccuracy") -> "Tensor":
    """Compute top-1 of each draw in percent, float64 (D,); NaN for a draw without videos."""
    return 100 * (tested.right(1).sum(dim=0) / tested.count)

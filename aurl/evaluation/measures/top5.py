"""Top-5 accuracy: the percentage of a draw's videos whose own class is among the five best (E2E)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.evaluation.draws import DrawAccuracy

LABEL, UNIT, BETTER, DIGITS, SPREAD = "top-5", "%", "larger", 1, False


def compute(tested: "DrawAccuracy") -> "Tensor":
    """Compute top-5 of each draw in percent, float64 (D,); NaN for a draw without videos."""
    return 100 * (tested.right(5).sum(dim=0) / tested.count)

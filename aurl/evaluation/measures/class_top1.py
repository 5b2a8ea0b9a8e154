"""Class top-1: the mean over a draw's classes of each one's top-1, in percent.

Large classes weigh no more than small ones; classes without videos are left out. Source: Xian et al., "Zero-shot
learning, the good, the bad and the ugly" (CVPR 2017).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.evaluation.draws import DrawAccuracy

LABEL, UNIT, BETTER, DIGITS, SPREAD = "class top-1", "%", "larger", 1, False


def compute(tested: "DrawAccuracy") -> "Tensor":
    """Compute class top-1 of each draw in percent, float64 (D,); NaN for a draw without videos."""
    import torch

    of_class = tested.right(1) / tested.class_counts[:, None]
    present = tested.chosen & (tested.class_counts > 0)[:, None]
    means = [of_class[present[:, draw], draw].mean() for draw in range(present.shape[1])]
    return 100 * torch.stack(means)

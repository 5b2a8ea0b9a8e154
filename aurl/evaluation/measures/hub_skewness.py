"""Hub skewness: the skewness of how often each class is ranked first (Radovanovic et al., JMLR 2010).

0 where all classes are chosen equally often; large where a few classes, the hubs, attract most videos.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.evaluation.draws import DrawAccuracy

LABEL, UNIT, BETTER, DIGITS, SPREAD = "hub skewness", "", "smaller", 2, False
FROM_SCORES = True  # no embedding is read


def compute(tested: "DrawAccuracy") -> "Tensor":
    """Compute the skewness over all classes of the test set, a scalar."""
    import torch

    first = torch.cat([scores.argmax(dim=1) for scores in tested.scores()])
    counts = torch.bincount(first, minlength=len(tested.chosen)).double()
    deviations = counts - counts.mean()
    spread = deviations.square().mean().sqrt()
    return deviations.pow(3).mean() / spread**3 if spread > 0 else torch.zeros((), dtype=torch.float64)

"""Draw episodes: some classes, and some videos of each."""

import torch
from torch import Tensor


class Episodes:
    """Keep the videos of each class; classes without videos are never drawn."""

    def __init__(self, labels: Tensor) -> None:
        self.order = labels.argsort(stable=True)
        self.classes, self.sizes = labels.unique(return_counts=True)
        self.begin = self.sizes.cumsum(0) - self.sizes

    def draw(self, ways: int, shots: int) -> tuple[Tensor, Tensor]:
        """Draw different classes, and videos of each with replacement.

        Returns: classes, int64 (min(ways, K),); rows of their videos, int64 (classes x shots,), class by class.
        """
        chosen = torch.randperm(len(self.classes))[:ways]
        places = (torch.rand(len(chosen), shots) * self.sizes[chosen, None]).long()
        return self.classes[chosen], self.order[self.begin[chosen, None] + places].flatten()

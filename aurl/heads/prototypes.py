"""Average the features of each seen class: its visual prototype."""

import torch
from torch import Tensor


def class_means(features: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Average features (N, d) of each class.

    Returns: the means of the classes that have a video (P, d), and their numbers, int64 (P,).
    """
    sums = torch.zeros(classes, features.shape[1], dtype=features.dtype).index_add_(0, labels, features)
    counts = torch.bincount(labels, minlength=classes)
    present = torch.nonzero(counts)[:, 0]
    return sums[present] / counts[present, None], present

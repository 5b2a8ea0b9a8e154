"""Accuracy, closeness and dispersion. Embeddings need not be scaled: every similarity is cosine."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

ROWS = 4096  # videos at a time


def parts(videos: int) -> Iterator[slice]:
    """The videos in parts, so that memory does not grow with their number."""
    return (slice(begin, begin + ROWS) for begin in range(0, videos, ROWS))


def cosine_similarity(videos: Tensor, classes: Tensor) -> Tensor:
    """cos of every video with every class: (N, d), (K, d) -> (N, K)."""
    return functional.normalize(videos, dim=1) @ functional.normalize(classes, dim=1).T


def hits(scores: Tensor, labels: Tensor, k: int) -> Tensor:
    """Whether the label is among the k best classes, bool (N,), for scores (N, K) and labels (N,)."""
    best = scores.topk(min(k, scores.shape[1]), dim=1).indices
    return (best == labels[:, None]).any(dim=1)


def class_mean(values: Tensor, labels: Tensor) -> Tensor:
    """Mean over the classes present of the mean over each one's videos: (N,), (N,) -> scalar."""
    _, position = labels.unique(return_inverse=True)
    counts = torch.bincount(position)
    return (torch.zeros(len(counts), dtype=values.dtype).index_add(0, position, values) / counts).mean()


def closeness(videos: Tensor, labels: Tensor, classes: Tensor) -> Tensor:
    """Mean over classes of the mean over their videos of 1 - cos(v, s_y) (poster); smaller is better.

    Args:
        videos: (N, d). labels: (N,) int64. classes: (K, d).
    Returns: scalar.
    """
    values = [
        1 - functional.cosine_similarity(videos[part], classes[labels[part]], dim=1) for part in parts(len(labels))
    ]
    return class_mean(torch.cat(values), labels)


def dispersion(videos: Tensor, labels: Tensor) -> Tensor:
    """Mean over classes of the smallest 1 - cos to another class, over class-mean video embeddings (poster).

    A class mean is the mean of unit embeddings, scaled to unit length again (*assumed*). Larger is better.

    Args:
        videos: (N, d). labels: (N,) int64, at least two classes.
    Returns: scalar.
    Raises: ValueError for fewer than two classes.
    """
    present, position = labels.unique(return_inverse=True)
    if len(present) < 2:
        raise ValueError("dispersion needs videos of at least two classes")
    sums = torch.zeros(len(present), videos.shape[1], dtype=videos.dtype)
    for part in parts(len(labels)):
        sums.index_add_(0, position[part], functional.normalize(videos[part], dim=1))
    means = functional.normalize(sums, dim=1)
    distance = 1 - means @ means.T
    distance.fill_diagonal_(torch.inf)
    return distance.min(dim=1).values.mean()

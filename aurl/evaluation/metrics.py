"""Compute hits, closeness and dispersion. Embeddings need not be scaled: every similarity is cosine."""

import torch
from torch import Tensor
from torch.nn import functional

ROWS = 128  # videos at a time: their intermediate values are small, and the memory is used again
PART = 32 * ROWS  # videos whose cosines with all classes are in memory at a time


def cosine_similarity(videos: Tensor, classes: Tensor) -> Tensor:
    """Compute the cosine of every video with every class: (N, d), (K, d) -> (N, K).

    Divided by the videos' norms after the product: K numbers a video instead of d.
    """
    units = functional.normalize(classes, dim=1).T
    norms = (torch.linalg.vector_norm(part, dim=1, keepdim=True).clamp_min(1e-12) for part in videos.split(ROWS))
    return torch.cat([part @ units / norm for part, norm in zip(videos.split(ROWS), norms, strict=True)])


def class_scores(videos: Tensor, classes: Tensor) -> Tensor:
    """Score every video against every class: cosines, (N, d), (K, d) -> (N, K).

    Where d of the classes is 0, the videos are scores (N, K) already.
    """
    return videos if classes.shape[1] == 0 else cosine_similarity(videos, classes)


def ranked_above(scores: Tensor, labels: Tensor) -> Tensor:
    """Mark the classes ranked above the video's own: scores (N, K), labels (N,) -> bool (N, K).

    Of equal scores the earlier class is ranked first; NaN is ranked above everything.
    """
    own = scores.gather(1, labels[:, None])
    earlier = torch.arange(scores.shape[1], device=scores.device) < labels[:, None]
    return ~(scores <= own) | ((scores == own) & earlier)


def hits(scores: Tensor, labels: Tensor, k: int) -> Tensor:
    """Mark the videos whose class is among the k best, bool (N,), for scores (N, K) and labels (N,)."""
    return ranked_above(scores, labels).sum(dim=1) < k


def class_mean(values: Tensor, labels: Tensor) -> Tensor:
    """Average values (N,) over the videos of each class of labels (N,), then over the classes: a scalar."""
    _, position = labels.unique(return_inverse=True)
    counts = torch.bincount(position)
    return (torch.zeros(len(counts), dtype=values.dtype).index_add(0, position, values) / counts).mean()


def closeness(videos: Tensor, labels: Tensor, classes: Tensor) -> Tensor:
    """Average 1 - cos(v, s_y) over the videos of a class, then over classes (poster); smaller is better.

    Args:
        videos: (N, d). labels: (N,) int64. classes: (K, d).
    Returns: scalar.
    """
    units = functional.normalize(classes, dim=1, eps=1e-8)
    similarity = torch.cat([
        (functional.normalize(part, dim=1, eps=1e-8) * units[of_part]).sum(dim=1)
        for part, of_part in zip(videos.split(ROWS), labels.split(ROWS), strict=True)
    ])  # fmt: skip
    return class_mean(1 - similarity, labels)


def dispersion(videos: Tensor, labels: Tensor) -> Tensor:
    """Average the distance 1 - cos of class-mean video embeddings to the nearest other class (poster).

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
    for part, of_part in zip(videos.split(ROWS), position.split(ROWS), strict=True):
        sums.index_add_(0, of_part, functional.normalize(part, dim=1))
    means = functional.normalize(sums, dim=1)
    distance = 1 - means @ means.T
    distance.fill_diagonal_(torch.inf)
    return distance.min(dim=1).values.mean()

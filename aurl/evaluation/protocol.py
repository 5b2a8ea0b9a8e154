"""The test protocol: random half-class splits (the earlier paper's) and what is measured on each."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from aurl.evaluation.metrics import beaten, closeness, cosine_similarity, dispersion


def half_class_split(num_classes: int, seed: int) -> np.ndarray:
    """The classes of split `seed`: half of them, sorted, int64 (num_classes // 2,).

    `numpy.random.RandomState(seed).permutation(C)[:C // 2]` over classes sorted by code point (released code).
    """
    return np.sort(np.random.RandomState(seed).permutation(num_classes)[: num_classes // 2])


def evaluate_draws(similarity: Tensor, labels: Tensor, draws: Sequence[np.ndarray]) -> list[dict[str, float]]:
    """Accuracies of each draw on the videos of its classes, with only those classes as candidates.

    Whether a class comes before a video's own does not depend on the draw: the rank in a draw is how many of its
    classes do, and one product (videos, classes) @ (classes, draws) gives all ranks.

    Args:
        similarity: (videos, classes). labels: (videos,). draws: the class numbers of each.
    Returns: for each draw top1, top5 and class_top1 in percent, and the number of videos.
    """
    chosen = torch.zeros(similarity.shape[1], len(draws))
    for column, classes in enumerate(draws):
        chosen[torch.as_tensor(classes), column] = 1
    ranks = beaten(similarity, labels).float() @ chosen  # counts, exact in float32
    inside = chosen.bool()[labels]
    top1 = ((ranks < 1) & inside).double()
    top5 = ((ranks < 5) & inside).double()
    videos = inside.sum(dim=0).double()
    of_class = torch.bincount(labels, minlength=len(chosen)).double()
    class_top1 = torch.zeros(chosen.shape, dtype=torch.float64).index_add(0, labels, top1) / of_class[:, None]
    present = chosen.bool() & (of_class > 0)[:, None]
    return [
        {
            "top1": 100 * (top1[:, draw].sum() / videos[draw]).item(),
            "top5": 100 * (top5[:, draw].sum() / videos[draw]).item(),
            "class_top1": 100 * class_top1[present[:, draw], draw].mean().item(),
            "videos": videos[draw].item(),
        }
        for draw in range(len(draws))
    ]


def evaluate_protocols(videos: dict[int, Tensor], labels: Tensor, classes: Tensor, splits: list[int]) -> pd.DataFrame:
    """Every protocol of one (variant, seed, dataset): one cosine matrix for each clip count, columns for each split.

    Args:
        videos: clips per video -> embeddings (N, d). labels: (N,). classes: (K, d) class embeddings.
        splits: numbers of splits; 1 is all classes, no draw.
    Returns:
        One row for each (clips, splits): mean top1, population std of top1 over draws (missing for 1 split),
        top5, class_top1, closeness, dispersion, mean number of videos, classes per draw.
    """
    rows = []
    most = max((count for count in splits if count > 1), default=0)
    for clips, embeddings in videos.items():
        similarity = cosine_similarity(embeddings, classes)
        properties = {
            "closeness": closeness(embeddings, labels, classes).item(),
            "dispersion": dispersion(embeddings, labels).item(),
        }
        drawn = [np.arange(len(classes)), *(half_class_split(len(classes), seed) for seed in range(most))]
        everything, *halves = evaluate_draws(similarity, labels, drawn)
        for count in splits:
            draws = [everything] if count == 1 else halves[:count]
            mean = pd.DataFrame(draws).mean()
            rows.append(
                {
                    "clips": clips,
                    "splits": count,
                    "top1": mean["top1"],
                    "top1_std": None if count == 1 else float(np.std([draw["top1"] for draw in draws])),
                    "top5": mean["top5"],
                    "class_top1": mean["class_top1"],
                    **properties,
                    "videos": mean["videos"],
                    "classes": len(classes) if count == 1 else len(classes) // 2,
                }
            )
    return pd.DataFrame(rows)

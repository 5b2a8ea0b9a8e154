"""The test protocol: random half-class splits (the earlier paper's) and what is measured on each."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from aurl.evaluation.metrics import class_mean, closeness, cosine_similarity, dispersion, hits


def half_class_split(num_classes: int, seed: int) -> np.ndarray:
    """The classes of split `seed`: half of them, sorted, int64 (num_classes // 2,).

    `numpy.random.RandomState(seed).permutation(C)[:C // 2]` over classes sorted by code point (released code).
    """
    return np.sort(np.random.RandomState(seed).permutation(num_classes)[: num_classes // 2])


def evaluate_draw(similarity: Tensor, labels: Tensor, chosen: np.ndarray) -> dict[str, float]:
    """Accuracies on the videos of the chosen classes, with only those classes as candidates.

    Args:
        similarity: (videos, classes). labels: (videos,). chosen: sorted class indices.
    Returns: top1, top5 and class_top1 in percent, and the number of videos.
    """
    columns = torch.as_tensor(chosen)
    position = torch.full((similarity.shape[1],), -1, dtype=torch.int64)
    position[columns] = torch.arange(len(columns))
    inside = position[labels] >= 0
    scores, targets = similarity[inside][:, columns], position[labels[inside]]
    top1 = hits(scores, targets, 1)
    return {
        "top1": 100 * top1.double().mean().item(),
        "top5": 100 * hits(scores, targets, 5).double().mean().item(),
        "class_top1": 100 * class_mean(top1.double(), targets).item(),
        "videos": float(len(targets)),
    }


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
        everything = [evaluate_draw(similarity, labels, np.arange(len(classes)))]
        halves = [evaluate_draw(similarity, labels, half_class_split(len(classes), seed)) for seed in range(most)]
        for count in splits:
            draws = everything if count == 1 else halves[:count]
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

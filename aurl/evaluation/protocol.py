"""The test protocol: random half-class splits (the earlier paper's) and what is measured on each."""

import numpy as np
import torch
from torch import Tensor

from aurl.evaluation.metrics import closeness, cosine_similarity, dispersion, hits, parts


def half_class_split(num_classes: int, seed: int) -> np.ndarray:
    """The classes of split `seed`: half of them, sorted, int64 (num_classes // 2,).

    `numpy.random.RandomState(seed).permutation(C)[:C // 2]` over classes sorted by code point (released code).
    """
    return np.sort(np.random.RandomState(seed).permutation(num_classes)[: num_classes // 2])


class Tally:
    """What is right on the videos of the chosen classes, with only those classes as candidates; added up by parts."""

    def __init__(self, chosen: np.ndarray, classes: int) -> None:
        """`chosen` are sorted class numbers, of so many classes."""
        self._columns = torch.as_tensor(chosen)
        self._position = torch.full((classes,), -1, dtype=torch.int64)
        self._position[self._columns] = torch.arange(len(chosen))
        self._top1, self._videos = torch.zeros(2, len(chosen), dtype=torch.float64)  # of each class
        self._top5 = 0

    def add(self, similarity: Tensor, labels: Tensor) -> None:
        """Take up videos, of any class: cosines (n, classes), labels (n,)."""
        inside = self._position[labels] >= 0
        scores, targets = similarity[inside][:, self._columns], self._position[labels[inside]]
        top1 = hits(scores, targets, 1).double()
        self._top1.index_add_(0, targets, top1)
        self._videos.index_add_(0, targets, torch.ones_like(top1))
        self._top5 += int(hits(scores, targets, 5).sum())

    def accuracies(self) -> dict[str, float]:
        """top1, top5 and class_top1 in percent, and the number of videos."""
        videos, present = self._videos.sum(), self._videos > 0
        return {
            "top1": 100 * (self._top1.sum() / videos).item(),
            "top5": 100 * (self._top5 / videos).item(),
            "class_top1": 100 * (self._top1[present] / self._videos[present]).mean().item(),
            "videos": videos.item(),
        }


def evaluate_draw(similarity: Tensor, labels: Tensor, chosen: np.ndarray) -> dict[str, float]:
    """Accuracies on the videos of the chosen classes, with only those classes as candidates.

    Args:
        similarity: (videos, classes). labels: (videos,). chosen: sorted class indices.
    Returns: top1, top5 and class_top1 in percent, and the number of videos.
    """
    tally = Tally(chosen, similarity.shape[1])
    tally.add(similarity, labels)
    return tally.accuracies()


def evaluate_protocols(
    videos: dict[int, Tensor], labels: Tensor, classes: Tensor, splits: list[int]
) -> list[dict[str, float | None]]:
    """Every protocol of one (variant, seed, dataset): cosines once for each clip count, columns for each split.

    Memory holds the cosines of a part of the videos.

    Args:
        videos: clips per video -> embeddings (N, d). labels: (N,). classes: (K, d) class embeddings.
        splits: numbers of splits; 1 is all classes, no draw.
    Returns:
        One row for each (clips, splits): mean top1, population std of top1 over draws (None for 1 split),
        top5, class_top1, closeness, dispersion, mean number of videos, classes per draw.
    """
    rows: list[dict[str, float | None]] = []
    most = max((count for count in splits if count > 1), default=0)
    chosen = [np.arange(len(classes)), *(half_class_split(len(classes), seed) for seed in range(most))]
    for clips, embeddings in videos.items():
        tallies = [Tally(columns, len(classes)) for columns in chosen]
        for part in parts(len(labels)):
            similarity = cosine_similarity(embeddings[part], classes)
            for tally in tallies:
                tally.add(similarity, labels[part])
        properties = {
            "closeness": closeness(embeddings, labels, classes).item(),
            "dispersion": dispersion(embeddings, labels).item(),
        }
        everything, *halves = [tally.accuracies() for tally in tallies]
        for count in splits:
            draws = [everything] if count == 1 else halves[:count]
            mean = {name: float(np.mean([draw[name] for draw in draws])) for name in everything}
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
    return rows

"""The test protocol: random half-class splits (the earlier paper's) and what is measured on each."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from aurl.evaluation.metrics import PART, beaten, class_mean, cosine_similarity, dispersion


def half_class_split(num_classes: int, seed: int) -> np.ndarray:
    """The classes of split `seed`: half of them, sorted, int64 (num_classes // 2,).

    `numpy.random.RandomState(seed).permutation(C)[:C // 2]` over classes sorted by code point (released code).
    """
    return np.sort(np.random.RandomState(seed).permutation(num_classes)[: num_classes // 2])


class Tally:
    """What is right on the videos of each draw's classes, with only those classes as candidates; added up by parts.

    Whether a class comes before a video's own does not depend on the draw: the rank in a draw is how many of its
    classes do, and one product (videos, classes) @ (classes, draws) gives all ranks.
    """

    def __init__(self, draws: Sequence[np.ndarray], classes: int) -> None:
        """`draws` are the class numbers of each, of so many classes."""
        self._chosen = torch.zeros(classes, len(draws))
        for column, numbers in enumerate(draws):
            self._chosen[torch.as_tensor(numbers), column] = 1
        self._top1 = torch.zeros(self._chosen.shape, dtype=torch.float64)  # counts, of each class and draw
        self._top5 = torch.zeros(len(draws), dtype=torch.float64)
        self._videos = torch.zeros(classes, dtype=torch.float64)  # of each class

    def add(self, similarity: Tensor, labels: Tensor) -> None:
        """Take up videos: (n, classes), labels (n,)."""
        ranks = beaten(similarity, labels).float() @ self._chosen  # counts, exact in float32
        inside = self._chosen.bool()[labels]
        first = ((ranks < 1) & inside).float()
        self._top1 += torch.zeros_like(self._chosen).index_add_(0, labels, first)
        self._top5 += ((ranks < 5) & inside).sum(dim=0)
        self._videos += torch.bincount(labels, minlength=len(self._chosen))

    def accuracies(self) -> list[dict[str, float]]:
        """For each draw top1, top5 and class_top1 in percent, and the number of videos."""
        videos, of_class = self._videos @ self._chosen.double(), self._top1 / self._videos[:, None]
        present = self._chosen.bool() & (self._videos > 0)[:, None]
        return [
            {
                "top1": 100 * (self._top1[:, draw].sum() / videos[draw]).item(),
                "top5": 100 * (self._top5[draw] / videos[draw]).item(),
                "class_top1": 100 * of_class[present[:, draw], draw].mean().item(),
                "videos": videos[draw].item(),
            }
            for draw in range(len(videos))
        ]


def evaluate_draws(similarity: Tensor, labels: Tensor, draws: Sequence[np.ndarray]) -> list[dict[str, float]]:
    """Accuracies of each draw on the videos of its classes, with only those classes as candidates.

    Args:
        similarity: (videos, classes). labels: (videos,). draws: the class numbers of each.
    Returns: for each draw top1, top5 and class_top1 in percent, and the number of videos.
    """
    tally = Tally(draws, similarity.shape[1])
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
    drawn = [np.arange(len(classes)), *(half_class_split(len(classes), seed) for seed in range(most))]
    for clips, embeddings in videos.items():
        tally, own = Tally(drawn, len(classes)), []
        for part, of_part in zip(embeddings.split(PART), labels.split(PART), strict=True):
            similarity = cosine_similarity(part, classes)
            tally.add(similarity, of_part)
            own.append(similarity.gather(1, of_part[:, None])[:, 0])
        properties = {
            "closeness": class_mean(1 - torch.cat(own), labels).item(),  # `closeness`, of cosines already here
            "dispersion": dispersion(embeddings, labels).item(),
        }
        everything, *halves = tally.accuracies()
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

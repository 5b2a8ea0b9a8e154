"""Test a network on draws of classes: on the videos of a draw, with only its classes as candidates.

Which classes are ranked above a video's own does not depend on the draw. A rank within a draw is how many of the draw's
classes are among them, and one product (videos, classes) @ (classes, draws) gives the ranks of all draws.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aurl.evaluation import schema
from aurl.evaluation.metrics import PART, cosine_similarity, ranked_above


@dataclass(frozen=True)
class DrawAccuracy:
    """Hold N videos of K classes, tested in D draws of the classes: all that a measure reads.

    Args:
        ranks: float32 (N, D), how many classes of the draw are ranked above the video's own.
        labels: int64 (N,). chosen: bool (K, D), whether the draw holds the class.
        own: (N,) cosine of a video with its own class.
        scores: gives the cosines (n, K) of all videos, part by part. They are computed when they are asked for.
        videos: (N, d) and classes: (K, d), the embeddings; None where only scores are known.
    """

    ranks: Tensor
    labels: Tensor
    chosen: Tensor
    own: Tensor
    scores: Callable[[], Iterator[Tensor]]
    videos: Tensor | None = None
    classes: Tensor | None = None

    @cached_property
    def inside(self) -> Tensor:
        """Say whether a video's class is in the draw, bool (N, D)."""
        return self.chosen[self.labels]

    @cached_property
    def count(self) -> Tensor:
        """Count the videos that a draw tests, float64 (D,)."""
        return self.class_counts @ self.chosen.double()

    @cached_property
    def class_counts(self) -> Tensor:
        """Count the videos of a class, float64 (K,)."""
        return torch.bincount(self.labels, minlength=len(self.chosen)).double()

    def right(self, k: int) -> Tensor:
        """Count the videos of each class in a draw whose class is among the k best, float64 (K, D)."""
        if k not in self._right:  # counts, exact in float32; adding by class is faster than a sum over videos
            hits = (self.ranks < k) & self.inside
            self._right[k] = torch.zeros(self.chosen.shape).index_add_(0, self.labels, hits.float()).double()
        return self._right[k]

    @cached_property
    def _right(self) -> dict[int, Tensor]:
        return {}


def rank(videos: Tensor, labels: Tensor, classes: Tensor, draws: Sequence[np.ndarray]) -> DrawAccuracy:
    """Rank the classes of every draw for each video; memory holds the cosines of a part of the videos.

    Args:
        videos: (N, d). labels: (N,) int64. classes: (K, d). draws: the class numbers of each. Where d of the classes is
            0, the videos are scores (N, K), which are ranked as they are.
    """
    if classes.shape[1] == 0:
        return rank_scores(videos, labels, draws)

    def parts() -> Iterator[Tensor]:
        return (cosine_similarity(part, classes) for part in videos.split(PART))

    return _ranked(parts, labels, len(classes), draws, videos, classes)


def rank_scores(similarity: Tensor, labels: Tensor, draws: Sequence[np.ndarray]) -> DrawAccuracy:
    """Rank by given scores: similarity (N, K), labels (N,) int64, the class numbers of each draw."""
    return _ranked(lambda: iter(similarity.split(PART)), labels, similarity.shape[1], draws)


def measure(tested: DrawAccuracy, measures: Mapping[str, ModuleType] | None = None) -> dict[str, np.ndarray]:
    """Compute measures and count videos and classes.

    By default all measures are computed; of scores without embeddings those that need none.

    Returns: name -> float64 (D,), a value of each draw; without a dimension for a measure of the whole test set.
    """
    chosen = measures
    if chosen is None:
        known = schema.measures()
        embedded = tested.videos is not None
        chosen = {name: module for name, module in known.items() if embedded or schema.from_scores(module)}
    values = {name: np.asarray(module.compute(tested), np.float64) for name, module in chosen.items()}
    counts = {"videos": tested.count.numpy(), "classes": tested.chosen.sum(dim=0).double().numpy()}
    return values | counts


def mean_row(clips: int, measured: Mapping[str, np.ndarray], draws: slice = slice(None)) -> dict[str, Any]:
    """Average the values of `measure` over some draws: one row of metrics.csv.

    All draws hold equally many classes. The deviation over draws is the population's, and None for one draw.
    """
    classes = measured["classes"][draws]
    row: dict[str, Any] = {"clips": clips, "splits": len(classes)}
    deviating = {column.name for column in schema.value_columns()}
    for name, values in measured.items():
        row[name] = float(values) if values.ndim == 0 else float(np.mean(values[draws]))
        if values.ndim and f"{name}_std" in deviating:
            row[f"{name}_std"] = float(np.std(values[draws])) if len(classes) > 1 else None
    return row | {"classes": int(classes[0])}


def evaluate_draws(similarity: Tensor, labels: Tensor, draws: Sequence[np.ndarray]) -> list[dict[str, float]]:
    """Give top1, top5 and class_top1 in percent, and the number of videos, of each draw.

    Args:
        similarity: (N, K). labels: (N,) int64. draws: the class numbers of each.
    """
    accuracies = {name: module for name, module in schema.measures().items() if module.UNIT == "%"}
    measured = measure(rank_scores(similarity, labels, draws), accuracies)
    names = (*accuracies, "videos")
    return [{name: float(measured[name][draw]) for name in names} for draw in range(len(draws))]


def _ranked(scores: Callable[[], Iterator[Tensor]], labels: Tensor, classes: int, draws: Sequence[np.ndarray],
            videos: Tensor | None = None, names: Tensor | None = None) -> DrawAccuracy:  # fmt: skip
    chosen = torch.zeros(classes, len(draws), dtype=torch.bool)
    for draw, numbers in enumerate(draws):
        chosen[torch.as_tensor(numbers), draw] = True
    candidates = chosen.float()
    ranks, own = [], []
    for similarity, of_part in zip(scores(), labels.split(PART), strict=True):
        ranks.append(ranked_above(similarity, of_part).float() @ candidates)  # counts, exact in float32
        own.append(similarity.gather(1, of_part[:, None])[:, 0])
    return DrawAccuracy(torch.cat(ranks), labels, chosen, torch.cat(own), scores, videos, names)

"""All classes, and the mean over random halves of the classes: draws 0 to n - 1 for n splits.

Source: E2E (Brattoli et al., CVPR 2020), whose released code draws
`numpy.random.RandomState(seed).permutation(C)[:C // 2]` over classes sorted by code point. 1 split is all classes, as
in AURL's ablation. Draws overlap, so they are no independent samples.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, field_validator

from aurl.experiment.settings import Positive
from aurl.experiment.settings import Settings as Base

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from aurl.evaluation.feature_file import Features


class Settings(Base):
    """Numbers of splits, each a row: 1 is all classes, n the mean over the random halves 0 to n - 1."""

    splits: Annotated[
        list[Positive],
        Field(min_length=1),
        Field(description="how many random halves of the classes are averaged; 1 means all classes"),
    ]

    @field_validator("splits")
    @classmethod
    def _usable(cls, splits: list[int]) -> list[int]:
        if len(set(splits)) != len(splits):
            raise ValueError("names a value twice")
        if 1 not in splits:
            raise ValueError("must contain 1 (all classes), which the ablation table shows")
        return splits


def evaluate(features: "Features", settings: Settings) -> Iterator[dict[str, Any]]:
    """Evaluate all classes and random halves; a row for each clip count and number of splits."""
    return measure_splits(features.videos, features.labels, features.classes, settings.splits)


def measure_splits(
    videos: "dict[int, Tensor]", labels: "Tensor", classes: "Tensor", splits: list[int]
) -> Iterator[dict[str, Any]]:
    """Evaluate embeddings: cosines once for each clip count, ranks of all draws by one product.

    Args:
        videos: clips per video -> embeddings (N, d). labels: (N,) int64. classes: (K, d). splits: as in `Settings`.
    """
    import numpy as np

    from aurl.evaluation.draws import mean_row, measure, rank

    most = max((number for number in splits if number > 1), default=0)
    draws = [np.arange(len(classes)), *(half_class_split(len(classes), seed) for seed in range(most))]
    for clips, embeddings in videos.items():
        measured = measure(rank(embeddings, labels, classes, draws))
        for number in splits:
            yield mean_row(clips, measured, slice(0, 1) if number == 1 else slice(1, 1 + number))


def half_class_split(num_classes: int, seed: int) -> "np.ndarray":
    """Draw the classes of split `seed`: half of them, sorted, int64 (num_classes // 2,)."""
    import numpy as np

    return np.sort(np.random.RandomState(seed).permutation(num_classes)[: num_classes // 2])

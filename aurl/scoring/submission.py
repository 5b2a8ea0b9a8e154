"""Hold what a method says about the videos of a test set, before anything is matched."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aurl.system.errors import AurlError

MOST_DIMENSIONS = 65_536  # of an embedding
EXAMPLES = 3  # names that a message lists


@dataclass(frozen=True)
class Submission:
    """Hold scores, embeddings or predictions, with the names that say what they are of.

    Args:
        origin: the file, for messages.
        classes: the C class names of the columns; none for predictions.
        videos: the n official file names; or labels: the n true class names, where the former are lost.
        scores: (n, C), larger is better; or video_embeddings (n, d) and class_embeddings (C, d), compared by cosine;
            or predicted: the n names of the best classes.
    """

    origin: str
    classes: list[str]
    videos: list[str] | None = None
    labels: list[str] | None = None
    scores: np.ndarray | None = None
    video_embeddings: np.ndarray | None = None
    class_embeddings: np.ndarray | None = None
    predicted: list[str] | None = None

    def check(self) -> "Submission":
        """Check that all parts are there, of one size and finite. Raises: AurlError."""
        if self.videos is None and self.labels is None:
            raise AurlError(
                f"{self.origin}: neither 'video' (official file names) nor 'label' (true class names); add one of them"
            )
        rows = len(self.videos if self.videos is not None else self.labels or [])
        if self.labels is not None and len(self.labels) != rows:
            raise AurlError(f"{self.origin}: {rows:,} names in 'video', {len(self.labels):,} in 'label'; give one each")
        if rows == 0:
            raise AurlError(f"{self.origin}: no videos in it")
        if self.predicted is None:
            check_shapes(self.origin, {name: array.shape for name, array in self._arrays()}, rows, len(self.classes))
            for name, array in self._arrays():
                _check_values(self.origin, name, array)
        elif len(self.predicted) != rows:
            raise AurlError(f"{self.origin}: {len(self.predicted):,} predictions of {rows:,} videos")
        return self

    def _arrays(self) -> list[tuple[str, np.ndarray]]:
        pairs = (("scores", self.scores), ("video_embeddings", self.video_embeddings),
                 ("class_embeddings", self.class_embeddings))  # fmt: skip
        return [(name, array) for name, array in pairs if array is not None]


def check_shapes(origin: str, shapes: dict[str, tuple[int, ...]], videos: int, classes: int) -> None:
    """Check the arrays' shapes against the numbers of names, before an array is read. Raises: AurlError."""
    scored, embedded = "scores" in shapes, {"video_embeddings", "class_embeddings"} & shapes.keys()
    if scored == bool(embedded) or len(embedded) == 1:
        raise AurlError(
            f"{origin}: give 'scores' [videos x classes], or 'video_embeddings' and 'class_embeddings'; it has"
            f" {' and '.join(shapes) or 'none of them'}"
        )
    rows = {"scores": videos, "video_embeddings": videos, "class_embeddings": classes}
    for name, shape in shapes.items():
        if len(shape) != 2 or shape[0] != rows[name] or (scored and shape[1] != classes):
            wanted = f"{rows[name]:,} x {f'{classes:,}' if scored else 'dimension'}"
            raise AurlError(f"{origin}: {name} is {_show(shape)}, but the names need {wanted}; one row for each name")
        if not 0 < shape[1] <= MOST_DIMENSIONS:
            raise AurlError(f"{origin}: {name} is {_show(shape)}; columns are 1 to {MOST_DIMENSIONS:,}")
    if embedded and shapes["video_embeddings"][1] != shapes["class_embeddings"][1]:
        raise AurlError(
            f"{origin}: video_embeddings is {_show(shapes['video_embeddings'])}, class_embeddings"
            f" {_show(shapes['class_embeddings'])}; both need one dimension"
        )


def from_arrays(
    videos: Sequence[str] | None, labels: Sequence[str] | None, classes: Sequence[str] | None, **arrays: Any
) -> Submission:
    """Build a submission from numpy or torch arrays and names. Raises: AurlError."""
    given = {"classes": () if classes is None else classes, "videos": videos, "labels": labels}
    names: dict[str, Any] = {key: [str(name) for name in of] for key, of in given.items() if of is not None}
    converted: dict[str, Any] = {key: _as_array(key, array) for key, array in arrays.items() if array is not None}
    return Submission("scores", **names, **converted).check()


def _as_array(name: str, given: Any) -> np.ndarray:
    """Convert a numpy or torch array without importing torch."""
    plain = given.detach().cpu().float().numpy() if hasattr(given, "detach") else given
    array = np.asarray(plain)
    if array.dtype.kind not in "fiu":
        raise AurlError(f"{name}: values of type {array.dtype} are no numbers")
    return array


def _check_values(origin: str, name: str, array: np.ndarray) -> None:
    usable = np.isfinite(array)
    if name == "scores":
        usable |= np.isneginf(array)  # the logarithm of a probability of 0
    if not usable.all():
        row, column = np.argwhere(~usable)[0]
        raise AurlError(
            f"{origin}: {name} has {(~usable).sum():,} values that are no number, the first"
            f" in row {row}, column {column} ({array[row, column]}); mend what made them"
        )
    if name != "scores" and (np.abs(array).max(axis=1) == 0).any():
        row = int(np.flatnonzero(np.abs(array).max(axis=1) == 0)[0])
        raise AurlError(f"{origin}: {name} has a row of zeros ({row}), which has no direction")


def _show(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{size:,}" for size in shape) or "a single value"

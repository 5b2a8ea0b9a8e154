"""The features file, as evaluation and report read it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from aurl.errors import AurlError


@dataclass(frozen=True)
class Features:
    """Clips per video -> embeddings (N, d), labels (N,), class embeddings (K, d), and their names."""

    videos: dict[int, Tensor]
    labels: Tensor
    classes: Tensor
    class_names: list[str]
    paths: list[str]


def read_features(path: Path) -> Features:
    """Read what `extract_features` wrote. Raises: AurlError for a damaged file."""
    try:
        with safe_open(path, framework="pt") as handle:
            names = json.loads(handle.metadata()["aurl"])
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a mapping)
        videos = dict(_by_clips(tensors))
        found = Features(videos, tensors["labels"], tensors["classes"], names["classes"], names["paths"])
        _check(found)
    except Exception as error:  # safetensors and JSON raise their own
        reason = " ".join(str(error).split())[:300]
        raise AurlError(f"{path}: not a usable features file ({reason}); delete it and run again") from None
    return found


def _check(found: Features) -> None:
    """Raises: ValueError where the parts do not fit together."""
    videos, classes = len(found.labels), len(found.classes)
    if not (isinstance(found.class_names, list) and isinstance(found.paths, list)):
        raise ValueError("its names are no lists")
    if found.labels.ndim != 1 or found.classes.ndim != 2 or len(found.class_names) != classes:
        raise ValueError(f"labels {tuple(found.labels.shape)}, classes {tuple(found.classes.shape)}, and their names"
                         " do not fit together")  # fmt: skip
    if len(found.paths) != videos or any(len(rows) != videos or rows.ndim != 2 for rows in found.videos.values()):
        raise ValueError("its videos, labels and paths are not equally many")
    if found.labels.is_floating_point():
        raise ValueError("its labels are no whole numbers")
    if videos and not 0 <= int(found.labels.min()) <= int(found.labels.max()) < classes:
        raise ValueError("a label is none of its classes")


def _by_clips(tensors: dict[str, Tensor]) -> Iterator[tuple[int, Tensor]]:
    for number in sorted(int(name.removeprefix("clips")) for name in tensors if name.startswith("clips")):
        yield number, tensors[f"clips{number}"]

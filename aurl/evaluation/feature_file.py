"""Write and read the features file: a test set's embeddings, written while they are computed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from torch import Tensor

from aurl.system.errors import AurlError, one_line
from aurl.system.files import replacing


@dataclass(frozen=True)
class Features:
    """Hold a test set: clips per video -> embeddings (N, d), labels (N,), class embeddings (K, d), names.

    Scores from outside stand in the place of embeddings, (N, K); their classes have the shape (K, 0).
    """

    videos: dict[int, Tensor]
    labels: Tensor
    classes: Tensor
    class_names: list[str]
    paths: list[str]


def read_tensors(path: Path) -> tuple[dict[int, Tensor], dict[str, Tensor], dict[str, Any]]:
    """Read a file with a tensor for each clip count.

    Returns: clips per video -> tensor; all tensors by name; and what the file says of itself.
    Raises: errors of safetensors and JSON for a damaged file.
    """
    with safe_open(path, framework="pt") as handle:
        described = json.loads(handle.metadata()["aurl"])
        tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a mapping)
    counts = sorted(int(name.removeprefix("clips")) for name in tensors if name.startswith("clips"))
    return {number: tensors[f"clips{number}"] for number in counts}, tensors, described


def read_features(path: Path) -> Features:
    """Read a features file. Raises: AurlError for a damaged file."""
    try:
        videos, tensors, names = read_tensors(path)
        features = Features(videos, tensors["labels"], tensors["classes"], names["classes"], names["paths"])
        _check(features)
    except Exception as error:  # safetensors and JSON raise their own
        raise AurlError(f"{path}: not a usable features file ({one_line(error)}); delete it and run again") from None
    return features


def _check(features: Features) -> None:
    """Check that the parts fit together. Raises: ValueError."""
    videos, classes = len(features.labels), len(features.classes)
    if not (isinstance(features.class_names, list) and isinstance(features.paths, list)):
        raise ValueError("its names are no lists")
    if features.labels.ndim != 1 or features.classes.ndim != 2 or len(features.class_names) != classes:
        raise ValueError(f"labels {tuple(features.labels.shape)}, classes {tuple(features.classes.shape)}, and their names"
                         " do not fit together")  # fmt: skip
    if len(features.paths) != videos or any(len(rows) != videos or rows.ndim != 2 for rows in features.videos.values()):
        raise ValueError("its videos, labels and paths are not equally many")
    if features.labels.is_floating_point():
        raise ValueError("its labels are no whole numbers")
    if videos and not 0 <= int(features.labels.min()) <= int(features.labels.max()) < classes:
        raise ValueError("a label is none of its classes")


def write_features(path: Path, finished: Iterable[Tensor], clips: Sequence[int], labels: np.ndarray, classes: Tensor,
                   class_names: Sequence[str], paths: Sequence[str], width: int | None = None) -> None:  # fmt: skip
    """Write a features file, or nothing; memory holds one part at a time.

    Args:
        finished: the embeddings of the videos, part by part, float32 (len(clips), n, d).
        labels: int64 (N,). classes: float32 (K, d). width: d of the videos; K for scores, whose classes are (K, 0).
    """
    space = classes.shape[1] if width is None else width
    shapes = {"labels": labels.shape, "classes": (len(class_names), classes.shape[1])}
    shapes |= {f"clips{number}": (len(labels), space) for number in clips}
    names = {"classes": list(class_names), "paths": list(paths)}
    header, begin = tensor_header(shapes, {"aurl": json.dumps(names)})
    with replacing(path) as (temporary,), temporary.open("wb") as handle:
        handle.write(header)
        for name, content in (("labels", labels), ("classes", classes.contiguous().numpy())):
            handle.seek(begin[name])
            handle.write(content.tobytes())
        done = 0
        for part in finished:
            for number, rows in zip(clips, part, strict=True):
                handle.seek(begin[f"clips{number}"] + 4 * space * done)
                handle.write(rows.contiguous().numpy().tobytes())
            done += part.shape[1]
        assert done == len(labels)


def tensor_header(shapes: Mapping[str, Sequence[int]], metadata: dict[str, str]) -> tuple[bytes, dict[str, int]]:
    """Build the head of a safetensors file like `safetensors.save`, and each tensor's offset.

    The library needs all tensors in memory; this head is for a file that is filled piece by piece.
    `labels` is int64, everything else float32; wider numbers come first, then names in order.
    """
    entries: dict[str, object] = {"__metadata__": metadata}
    begin, end = {}, 0
    for name in sorted(shapes, key=lambda name: (name != "labels", name)):
        begin[name], end = end, end + int(np.prod(shapes[name])) * (8 if name == "labels" else 4)
        kind = "I64" if name == "labels" else "F32"
        entries[name] = {"dtype": kind, "shape": list(shapes[name]), "data_offsets": [begin[name], end]}
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, {name: 8 + len(text) + at for name, at in begin.items()}

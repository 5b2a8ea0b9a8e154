"""Write and read the backbone features of a dataset's clips, written while they are computed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aurl.evaluation.feature_file import read_tensors, tensor_header
from aurl.system.errors import AurlError, one_line
from aurl.system.files import replacing


@dataclass(frozen=True)
class ClipFeatures:
    """Hold a dataset's features, labels (N,), class names, and paths of the videos.

    `videos` maps clips per video to features (N, clips, d). `network` is the SHA-256 of the network's checkpoint.
    """

    videos: dict[int, Tensor]
    labels: Tensor
    class_names: list[str]
    paths: list[str]
    network: str

    def of_classes(self, names: Sequence[str]) -> "ClipFeatures":
        """Keep the videos of some classes; labels become numbers of `names`."""
        numbers = {name: number for number, name in enumerate(names)}
        labels = torch.tensor([numbers.get(name, -1) for name in self.class_names])[self.labels]
        rows = torch.nonzero(labels >= 0)[:, 0]
        videos = {count: features[rows] for count, features in self.videos.items()}
        paths = [self.paths[row] for row in rows.tolist()]
        return ClipFeatures(videos, labels[rows], list(names), paths, self.network)


def write_clip_features(path: Path, finished: Iterable[Mapping[int, Tensor]], clips: Sequence[int], size: int,
                        labels: np.ndarray, class_names: Sequence[str], paths: Sequence[str],
                        network: str) -> None:  # fmt: skip
    """Write a file of clip features, or nothing; memory holds one part at a time.

    Args:
        finished: the videos in order, part by part: clips per video -> float32 (n, clips, size).
        labels: int64 (N,). network: SHA-256 of the network's checkpoint.
    """
    shapes: dict[str, Sequence[int]] = {"labels": labels.shape}
    shapes |= {f"clips{number}": (len(labels), number, size) for number in clips}
    names = {"classes": list(class_names), "paths": list(paths), "network": network}
    header, begin = tensor_header(shapes, {"aurl": json.dumps(names)})
    with replacing(path) as (temporary,), temporary.open("wb") as handle:
        handle.write(header)
        handle.seek(begin["labels"])
        handle.write(labels.tobytes())
        done = 0
        for part in finished:
            for number, features in part.items():
                handle.seek(begin[f"clips{number}"] + 4 * number * size * done)
                handle.write(features.contiguous().numpy().tobytes())
            done += len(part[clips[0]])
        assert done == len(labels)


def read_clip_features(path: Path) -> ClipFeatures:
    """Read a file of clip features. Raises: AurlError for a damaged file."""
    try:
        videos, tensors, names = read_tensors(path)
        features = ClipFeatures(videos, tensors["labels"], names["classes"], names["paths"], names["network"])
        _check(features)
    except Exception as error:  # safetensors and JSON raise their own
        raise AurlError(f"{path}: not a usable file of features ({one_line(error)}); delete it and run again") from None
    return features


def _check(features: ClipFeatures) -> None:
    """Check that the parts fit together. Raises: ValueError."""
    videos, labels = len(features.paths), features.labels
    if labels.shape != (videos,) or labels.is_floating_point():
        raise ValueError("its labels do not fit its videos")
    for number, rows in features.videos.items():
        if rows.ndim != 3 or rows.shape[:2] != (videos, number) or not rows.is_floating_point():
            raise ValueError(f"features of shape {tuple(rows.shape)} for {videos} videos of {number} clips")
    if videos and not 0 <= int(labels.min()) <= int(labels.max()) < len(features.class_names):
        raise ValueError("a label is none of its classes")

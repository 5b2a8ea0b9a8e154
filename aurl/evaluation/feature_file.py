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
    except Exception as error:  # safetensors and JSON raise their own
        raise AurlError(f"{path}: not a usable features file ({error}); delete it and run again") from None
    videos = dict(_by_clips(tensors))
    return Features(videos, tensors["labels"], tensors["classes"], names["classes"], names["paths"])


def _by_clips(tensors: dict[str, Tensor]) -> Iterator[tuple[int, Tensor]]:
    for number in sorted(int(name.removeprefix("clips")) for name in tensors if name.startswith("clips")):
        yield number, tensors[f"clips{number}"]

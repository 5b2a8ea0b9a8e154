"""Read .safetensors: tensors as in an .npz, names in the metadata or in FILE.json beside it.

`save_file({"scores": scores}, "scores.safetensors", {"class": json.dumps(classes), "video": json.dumps(videos)})`
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from aurl.scoring.formats.base import ARRAYS, MOST_NAME_BYTES, NAMES, Limits, names_from_json
from aurl.scoring.submission import Submission, check_shapes
from aurl.system.errors import AurlError


def read(path: Path, limits: Limits) -> Submission:
    """Read a .safetensors. Raises: AurlError."""
    with safe_open(path, framework="np") as handle:
        texts = {name: text for name, text in (handle.metadata() or {}).items() if name in NAMES}
        beside = path.with_suffix(".json")
        if not texts and beside.is_file():
            texts = _texts(beside)
        names: dict[str, Any] = {NAMES[name]: names_from_json(path, text, name) for name, text in texts.items()}
        if "classes" not in names:
            raise AurlError(f"{path}: no 'class' in its metadata, and no {beside.name} with it; add the classes' names")
        limits.check(path, {name: len(names[NAMES[name]]) for name in texts})
        tensors = {name: handle.get_slice(name) for name in ARRAYS if name in handle.keys()}  # noqa: SIM118
        rows = len(names.get("videos") or names.get("labels") or [])
        if rows:
            shapes = {name: tuple(tensor.get_shape()) for name, tensor in tensors.items()}
            check_shapes(str(path), shapes, rows, len(names["classes"]))
        arrays: dict[str, Any] = {name: _numbers(path, name, handle.get_tensor(name)) for name in tensors if rows}
        return Submission(str(path), **names, **arrays)


def _texts(path: Path) -> dict[str, str]:
    if path.stat().st_size > MOST_NAME_BYTES:
        raise AurlError(f"{path}: larger than {MOST_NAME_BYTES:,} bytes")
    content = json.loads(path.read_text())
    if not isinstance(content, dict):
        raise AurlError(f"{path}: no JSON object with 'class', and 'video' or 'label'")
    return {name: json.dumps(content[name]) for name in NAMES if name in content}


def _numbers(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "fiu":
        raise AurlError(f"{path}: '{name}' is of type {array.dtype}; scores and embeddings are numbers")
    return array

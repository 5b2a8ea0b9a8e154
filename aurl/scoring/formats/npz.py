"""Read numpy's .npz: arrays `scores` (or the embeddings), `class`, and `video` or `label`.

Names are arrays of text (`np.array(names)`). Arrays of objects hold pickled code; they are refused unread.
"""

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from aurl.scoring.formats.base import ARRAYS, MOST_BYTES, MOST_NAME_BYTES, NAMES, Limits
from aurl.scoring.submission import Submission, check_shapes
from aurl.system.errors import AurlError

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
Header = tuple[tuple[int, ...], np.dtype]


def read(path: Path, limits: Limits) -> Submission:
    """Read an .npz: headers first, then names, then arrays. Raises: AurlError."""
    with zipfile.ZipFile(path) as archive:
        headers = _headers(path, archive)
        limits.check(path, {name: headers[name][0][0] for name in NAMES if name in headers})
        names: dict[str, Any] = {NAMES[name]: _names(path, archive, name) for name in NAMES if name in headers}
        if "classes" not in names:
            raise AurlError(f"{path}: no 'class' (the classes' names); it has {', '.join(headers) or 'no array'}")
        rows = len(names.get("videos") or names.get("labels") or [])
        shapes = {name: headers[name][0] for name in ARRAYS if name in headers}
        if rows:
            check_shapes(str(path), shapes, rows, len(names["classes"]))
        arrays: dict[str, Any] = {name: _array(archive, name) for name in shapes if rows}
        return Submission(str(path), **names, **arrays)


def _headers(path: Path, archive: zipfile.ZipFile) -> dict[str, Header]:
    """Read shape and type of the arrays that count; others are passed over."""
    headers: dict[str, Header] = {}
    for member in archive.namelist():
        name = member.removesuffix(".npy")
        if name not in (*NAMES, *ARRAYS):
            continue
        if name in headers:
            raise AurlError(f"{path}: two arrays named '{name}'")
        with archive.open(member) as handle:
            version = np.lib.format.read_magic(handle)
            if version not in HEADERS:
                raise AurlError(f"{path}: '{name}' is of .npy version {version}; save it as a plain array")
            shape, _, dtype = HEADERS[version](handle)
        _check_type(path, name, shape, dtype)
        headers[name] = shape, dtype
    return headers


def _check_type(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    if dtype.hasobject:
        raise AurlError(
            f"{path}: '{name}' is an array of Python objects, which only unpickling could read; nothing was unpickled."
            f" Save it as np.array(..., dtype={'str' if name in NAMES else 'np.float32'})"
        )
    if name in ARRAYS and dtype.kind not in "fiu":
        raise AurlError(f"{path}: '{name}' is of type {dtype}; scores and embeddings are numbers")
    size = math.prod(shape) * dtype.itemsize
    if name in ARRAYS and size > MOST_BYTES:
        raise AurlError(f"{path}: '{name}' would take {size:,} bytes; at most {MOST_BYTES:,} are read")
    if name in NAMES:
        if dtype.kind not in "US" or len(shape) != 1:
            raise AurlError(f"{path}: '{name}' is of type {dtype}, shape {shape}; it needs a list of texts")
        if size > MOST_NAME_BYTES:
            raise AurlError(f"{path}: '{name}' would take {size:,} bytes; names are shorter")


def _names(path: Path, archive: zipfile.ZipFile, name: str) -> list[str]:
    array = _array(archive, name)
    if array.dtype.kind == "U":
        return [str(text) for text in array]
    try:
        return [bytes(text).decode() for text in array]
    except UnicodeDecodeError:
        raise AurlError(
            f"{path}: '{name}' holds bytes that are no UTF-8; save it as np.array(..., dtype=str)"
        ) from None


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name if name in archive.namelist() else f"{name}.npy") as handle:
        return np.lib.format.read_array(handle, allow_pickle=False)

"""Reads listings and manifests, and selects the usable videos of a manifest.

Rows are read one by one: a manifest of a million videos takes no more memory than one of a hundred.
"""

import csv
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from aurl.system.text_files import rerun_hint, unreadable

COUNT_COLUMNS, NUMBER_COLUMNS = (
    ["bytes", "frames", "width", "height", "rotation"],
    ["rate", "duration"],
)  # empty: unknown
USABLE = {"error": {"ok"}, "leave_out": {"ok"}, "keep_partial": {"ok", "partial"}}


def iterate_table(path: Path, columns: tuple[str, ...] = ("path", "class")) -> Iterator[dict[str, str]]:
    """Yield the rows of a listing or manifest in order, every cell as text.

    Args:
        columns: the columns that the file must have.
    Raises:
        AurlError: for a cut or damaged file, a path outside the dataset's folder, or an impossible number.
    """
    try:
        _check_end(path)
        with path.open(newline="", encoding="utf-8") as handle:
            rows = csv.reader(handle, strict=True)
            header = next(rows, [])
            if missing := [name for name in columns if name not in header]:
                raise ValueError(f"no column '{missing[0]}' in its header")
            for row in rows:
                if len(row) != len(header):
                    raise ValueError(f"line {rows.line_num} has {len(row)} cells, the header {len(header)}")
                cells = dict(zip(header, row, strict=True))
                _check_row(cells)
                yield cells
    except FileNotFoundError:
        raise
    except (OSError, ValueError, csv.Error) as error:
        raise unreadable(path, error, rerun_hint(path)) from None


def iterate_usable(manifest: Path, broken: str) -> Iterator[dict[str, str]]:
    """Yield the rows that later stages use; their order numbers the videos. Raises: AurlError, also for a listing."""
    return (row for row in iterate_table(manifest, ("path", "class", "status")) if row["status"] in USABLE[broken])


def usable_labels(manifest: Path, broken: str, classes: Sequence[str]) -> np.ndarray:
    """Number the class of every usable video by its place in `classes`, -1 for any other class: int64 (videos,)."""
    labels = {name: label for label, name in enumerate(classes)}
    return np.fromiter((labels.get(row["class"], -1) for row in iterate_usable(manifest, broken)), np.int64)


def _check_end(path: Path) -> None:
    with path.open("rb") as handle:
        handle.seek(0, os.SEEK_END)
        handle.seek(max(0, handle.tell() - 1))
        if handle.read() != b"\n":
            raise ValueError("cut short: the last line has no end")


def _check_row(row: dict[str, str]) -> None:
    path = row["path"]
    if not path or "\0" in path or path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"the path {path[:100]!r} is not inside the dataset's folder")
    for column in COUNT_COLUMNS:
        if column in row and not (row[column].isdecimal() and len(row[column]) < 19):
            raise ValueError(f"{row[column][:30]!r} in column '{column}' is no count")
    for column in NUMBER_COLUMNS:
        if row.get(column) and not 0 <= float(row[column]) < math.inf:
            raise ValueError(f"{row[column][:30]!r} in column '{column}' is negative or not finite")

"""Reading listings and manifests, and which of a manifest's videos are used.

Rows come one by one: a manifest of a million videos takes no more memory than one of a hundred.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aurl.text_files import made_again, unreadable

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = ["path", "class", "status", "sha256", "reason"]
USABLE = {"error": {"ok"}, "leave_out": {"ok"}, "keep_partial": {"ok", "partial"}}


def iterate_table(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a listing or manifest in order, every cell as text.

    Raises: AurlError for a cut or damaged file.
    """
    try:
        _check_end(path)
        with path.open(newline="", encoding="utf-8") as handle:
            rows = csv.reader(handle, strict=True)
            header = next(rows, [])
            if not {"path", "class"} <= set(header):
                raise ValueError("no columns 'path' and 'class' in its header")
            for row in rows:
                if len(row) != len(header):
                    raise ValueError(f"line {rows.line_num} has {len(row)} cells, the header {len(header)}")
                yield dict(zip(header, row, strict=True))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, csv.Error) as error:
        raise unreadable(path, error, made_again(path)) from None


def iterate_usable(manifest: Path, broken: str) -> Iterator[dict[str, str]]:
    """The rows that later stages use; videos are numbered in their order."""
    return (row for row in iterate_table(manifest) if row["status"] in USABLE[broken])


def usable_labels(manifest: Path, broken: str, classes: Sequence[str]) -> np.ndarray:
    """For every usable video the place of its class in `classes`, -1 where it is none of them: int64 (videos,)."""
    place = {name: label for label, name in enumerate(classes)}
    return np.fromiter((place.get(row["class"], -1) for row in iterate_usable(manifest, broken)), np.int64)


def read_table(path: Path) -> "pd.DataFrame":
    """A whole listing or manifest: text as it stands (a class may be called "nan"), numbers as numbers.

    Raises: AurlError for a cut or damaged file.
    """
    import pandas as pd  # here: no stage needs a whole table

    try:
        _check_end(path)
        table = pd.read_csv(path, dtype=dict.fromkeys(TEXT_COLUMNS, str), keep_default_na=False)
        if not {"path", "class"} <= set(table.columns):
            raise ValueError("no columns 'path' and 'class' in its header")
        if not isinstance(table.index, pd.RangeIndex):  # pandas takes cells beyond the header for an index
            raise ValueError("rows with more cells than the header")
        return table
    except FileNotFoundError:
        raise
    except (OSError, ValueError, OverflowError) as error:  # pandas' own errors are ValueErrors
        raise unreadable(path, error, made_again(path)) from None


def _check_end(path: Path) -> None:
    with path.open("rb") as handle:
        handle.seek(0, os.SEEK_END)
        handle.seek(max(0, handle.tell() - 1))
        if handle.read() != b"\n":
            raise ValueError("cut short: the last line has no end")

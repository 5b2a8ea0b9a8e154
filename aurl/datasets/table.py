"""Reading listings and manifests, and which of a manifest's videos are used."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from aurl.text_files import made_again, unreadable

TEXT_COLUMNS = ["path", "class", "status", "sha256", "reason"]
COUNT_COLUMNS, NUMBER_COLUMNS = ["bytes", "frames", "width", "height", "rotation"], ["rate", "duration"]
USABLE = {"error": {"ok"}, "leave_out": {"ok"}, "keep_partial": {"ok", "partial"}}


def usable_videos(table: pd.DataFrame, broken: str) -> pd.DataFrame:
    """The rows that later stages use, renumbered from 0."""
    return table[table["status"].isin(USABLE[broken])].reset_index(drop=True)


def read_table(path: Path) -> pd.DataFrame:
    """Read a listing or manifest: text as it stands (a class may be called "nan"), numbers as numbers.

    Raises: AurlError for a cut or damaged file.
    """
    try:
        with path.open("rb") as handle:
            handle.seek(0, os.SEEK_END)
            handle.seek(max(0, handle.tell() - 1))
            if handle.read() != b"\n":
                raise ValueError("cut short: the last line has no end")
        types = dict.fromkeys(TEXT_COLUMNS, str) | dict.fromkeys(COUNT_COLUMNS, "int64")
        with np.errstate(invalid="ignore"):  # a number beyond 64 bits
            table = pd.read_csv(path, dtype=types | dict.fromkeys(NUMBER_COLUMNS, "float64"), keep_default_na=False)
        if not {"path", "class"} <= set(table.columns):
            raise ValueError("no columns 'path' and 'class' in its header")
        if not isinstance(table.index, pd.RangeIndex):  # pandas takes cells beyond the header for an index
            raise ValueError("rows with more cells than the header")
        _check_values(table)
        return table
    except FileNotFoundError:
        raise
    except (OSError, ValueError, OverflowError) as error:  # pandas' own errors are ValueErrors
        raise unreadable(path, error, made_again(path)) from None


def read_usable(manifest: Path, broken: str) -> pd.DataFrame:
    """The usable rows of a manifest file. Raises: AurlError, see `read_table`, or for a listing."""
    table = read_table(manifest)
    if "status" not in table.columns:
        raise unreadable(manifest, ValueError("no column 'status' in its header"), made_again(manifest))
    return usable_videos(table, broken)


def _check_values(table: pd.DataFrame) -> None:
    """Raises: ValueError for a path that leads out of the dataset's folder, or a number that none of these can be."""
    for row, video in enumerate(table["path"], start=1):
        if (
            not isinstance(video, str)
            or not video
            or "\0" in video
            or video.startswith("/")
            or ".." in video.split("/")
        ):
            raise ValueError(f"row {row}: the path {str(video)[:100]!r} is none inside the dataset's folder")
    for column in set(COUNT_COLUMNS + NUMBER_COLUMNS) & set(table.columns):
        if not (np.isfinite(table[column]) & (table[column] >= 0)).all():
            raise ValueError(f"a number in column '{column}' is negative or not finite")

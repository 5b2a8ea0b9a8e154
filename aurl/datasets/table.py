"""Reading listings and manifests, and which of a manifest's videos are used."""

import os
from pathlib import Path

import pandas as pd

from aurl.text_files import made_again, unreadable

TEXT_COLUMNS = ["path", "class", "status", "sha256", "reason"]
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


def read_usable(manifest: Path, broken: str) -> pd.DataFrame:
    """The usable rows of a manifest file."""
    return usable_videos(read_table(manifest), broken)

"""Reading listings and manifests, and which of a manifest's videos are used."""

from pathlib import Path

import pandas as pd

TEXT_COLUMNS = ["path", "class", "status", "sha256", "reason"]
USABLE = {"error": {"ok"}, "leave_out": {"ok"}, "keep_partial": {"ok", "partial"}}


def usable_videos(table: pd.DataFrame, broken: str) -> pd.DataFrame:
    """The rows that later stages use, renumbered from 0."""
    return table[table["status"].isin(USABLE[broken])].reset_index(drop=True)


def read_table(path: Path) -> pd.DataFrame:
    """Read a listing or manifest: text as it stands (a class may be called "nan"), numbers as numbers."""
    columns = pd.read_csv(path, nrows=0).columns
    text = {column: str for column in TEXT_COLUMNS if column in columns}
    return pd.read_csv(path, dtype=text, keep_default_na=False)


def read_usable(manifest: Path, broken: str) -> pd.DataFrame:
    """The usable rows of a manifest file."""
    return usable_videos(read_table(manifest), broken)

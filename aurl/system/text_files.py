"""Reading small text files strictly: a cut, damaged or foreign file is refused in one line instead of read in part."""

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aurl.system.errors import AurlError

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 64 * 2**20  # far above any list or table here; what is larger is another file


def read_lines(path: Path, mend: str) -> list[str]:
    """The lines of a UTF-8 file.

    Args:
        mend: what the reader of an error should do.
    Raises:
        AurlError: the file is missing, empty, too large, no UTF-8 text, or ends within a line.
    """
    try:
        if os.path.getsize(path) > MOST_BYTES:
            raise ValueError(f"larger than {MOST_BYTES} bytes")
        text = path.read_bytes().decode()
        if "\0" in text:
            raise ValueError("zero bytes: no text")
        if not text.endswith("\n"):
            raise ValueError("cut short: the last line has no end" if text else "empty")
    except (OSError, ValueError) as error:
        raise unreadable(path, error, mend) from None
    return text.removesuffix("\n").split("\n")


def read_csv(path: Path, columns: list[str], mend: str, **options: Any) -> "pd.DataFrame":
    """A table in which every row has every cell, by `pandas.read_csv` with `options`.

    Args:
        columns: what the header must name; others may stand beside them.
        mend: what the reader of an error should do.
    Raises:
        AurlError: as `read_lines`; or a column is missing, a row has too few or too many cells, a cell is
            too large or not of its type.
    """
    import pandas as pd  # here: most processes read no table, and its import takes as long as their work

    lines = read_lines(path, mend)
    try:
        reader = csv.reader((f"{line}\n" for line in lines), strict=True)
        header = next(reader)
        absent = [column for column in columns if column not in header]
        if absent:
            raise ValueError(f"no column '{absent[0]}' in its header")
        for row in reader:
            if len(row) != len(header):
                raise ValueError(f"line {reader.line_num} has {len(row)} cells, the header {len(header)}")
        return pd.read_csv(path, **options)
    except (csv.Error, ValueError, OverflowError) as error:  # pandas' own errors are ValueErrors
        raise unreadable(path, error, mend) from None


def made_again(path: Path) -> str:
    """How to mend a result that is missing or damaged."""
    return f"make it again ('snakemake --force -- {path}')"


def unreadable(path: Path, error: Exception, mend: str) -> AurlError:
    """The one line for a file that cannot be read."""
    reason = " ".join(str(getattr(error, "strerror", None) or error).split())
    return AurlError(f"{path}: unreadable ({reason}); {mend}")

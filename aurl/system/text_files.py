"""Read small text files strictly: refuse a cut, damaged or foreign file in one line."""

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aurl.system.errors import AurlError, one_line

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 64 * 2**20  # far above any list or table here; a larger file is another kind of file


def read_lines(path: Path, mend: str) -> list[str]:
    """Read the lines of a UTF-8 file.

    Args:
        mend: advice to the user in case of an error.
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
    """Read a table by `pandas.read_csv` with `options`; every row must have every cell.

    Args:
        columns: names that the header must have; it may have others too.
        mend: advice to the user in case of an error.
    Raises:
        AurlError: as `read_lines`; or a column is missing, a row has too few or too many cells, a cell is
            too large or not of its type.
    """
    import pandas as pd  # here: most processes read no table, and its import takes as long as their work

    lines = read_lines(path, mend)
    try:
        reader = csv.reader((f"{line}\n" for line in lines), strict=True)
        header = next(reader)
        missing = [column for column in columns if column not in header]
        if missing:
            raise ValueError(f"no column '{missing[0]}' in its header")
        for row in reader:
            if len(row) != len(header):
                raise ValueError(f"line {reader.line_num} has {len(row)} cells, the header {len(header)}")
        return pd.read_csv(path, **options)
    except (csv.Error, ValueError, OverflowError) as error:  # pandas' own errors are ValueErrors
        raise unreadable(path, error, mend) from None


def rerun_hint(path: Path) -> str:
    """Advise how to rebuild a missing or damaged result."""
    return f"make it again ('snakemake --force -- {path}')"


def unreadable(path: Path, error: Exception, mend: str) -> AurlError:
    """Build the one-line error for a file that cannot be read."""
    return AurlError(f"{path}: unreadable ({one_line(getattr(error, 'strerror', None) or error)}); {mend}")

"""Videos of a table with the columns path and class: `<folder>/videos.csv`, paths relative to `<folder>/`.

`datasets.NAME.source.list` names another table. Other columns and other files are passed over.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from aurl.datasets.layouts.base import VideoFile
from aurl.datasets.listed import list_files, listed_videos
from aurl.system.errors import AurlError
from aurl.system.text_files import read_lines

LIST = "videos.csv"
MEND = "write a table with the columns path and class"


def find(folder: Path, listed: str = LIST) -> list[VideoFile]:
    """List the videos of the table.

    Raises: AurlError for a missing or damaged table, or a video that is missing or listed twice.
    """
    return listed_videos(folder, (row for file in list_files(folder, listed) for row in _rows(file)))


def _rows(file: Path) -> Iterator[tuple[str, str, str]]:
    reader = csv.reader((f"{line}\n" for line in read_lines(file, MEND)), strict=True)
    try:
        header = [cell.strip() for cell in next(reader)]
        if not {"path", "class"} <= set(header):
            raise AurlError(f"{file}: columns {', '.join(header)[:200]}; {MEND}")
        path, name = header.index("path"), header.index("class")
        for row in reader:
            where = f"{file}: line {reader.line_num}"
            if len(row) != len(header) or not row[path].strip() or not row[name].strip():
                raise AurlError(f"{where} has no path and class for the columns {', '.join(header)[:200]}; {MEND}")
            yield where, row[path].strip(), row[name].strip()
    except csv.Error as error:
        raise AurlError(f"{file}: line {reader.line_num}: {error}; {MEND}") from None

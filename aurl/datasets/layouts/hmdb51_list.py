"""Test videos of an official list of HMDB51: `<folder>/testTrainMulti_7030_splits/<class>_test_split1.txt`, one a class.

`datasets.NAME.source.list` names other files, such as `testTrainMulti_7030_splits/*_test_split2.txt`. Their lines are
`<video>.avi <mark>`, with mark 2 for test, 1 for training, 0 for neither; the files are `<folder>/<class>/<video>.avi`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from aurl.datasets.layouts.base import VideoFile
from aurl.datasets.listed import list_files, listed_videos, text_rows
from aurl.system.errors import AurlError

LIST = "testTrainMulti_7030_splits/*_test_split1.txt"
MARKS, TEST = ("0", "1", "2"), "2"


def find(folder: Path, listed: str = LIST) -> list[VideoFile]:
    """List the test videos; the class is the beginning of the list's name, with underscores.

    Raises: AurlError for a missing or damaged list, or a test video that is missing or listed twice.
    """
    return listed_videos(folder, (row for file in list_files(folder, listed) for row in _rows(file)))


def _rows(file: Path) -> Iterator[tuple[str, str, str]]:
    name = re.fullmatch(r"(.+)_test_split\d\.txt", file.name)
    if name is None:
        raise AurlError(
            f"{file}: expected the name <class>_test_split<number>.txt; correct datasets.<name>.source.list"
        )
    for where, line in text_rows(file):
        if len(line) != 2 or line[1] not in MARKS or "/" in line[0]:
            raise AurlError(f"{where}: expected a video's name and 0, 1 or 2")
        if line[1] == TEST:
            yield where, f"{name[1]}/{line[0]}", name[1]

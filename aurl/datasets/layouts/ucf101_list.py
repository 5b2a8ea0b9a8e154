"""Videos of an official list of UCF101: `<folder>/ucfTrainTestlist/testlist01.txt`, with `classInd.txt` beside it.

`datasets.NAME.source.list` names another list, such as `ucfTrainTestlist/trainlist02.txt`. Its lines are
`<Class>/v_<Class>_gNN_cNN.avi`, in the training lists with the class's number; the files are `<folder>/<that path>`.
"""

from collections.abc import Iterator
from pathlib import Path

from aurl.datasets.layouts.base import VideoFile
from aurl.datasets.listed import list_files, listed_videos, text_rows
from aurl.system.errors import AurlError

LIST = "ucfTrainTestlist/testlist01.txt"


def find(folder: Path, listed: str = LIST) -> list[VideoFile]:
    """List the videos of the list; the class is the folder in front of the name.

    Raises: AurlError for a missing or damaged list or classInd.txt, a class that is not in it or has another number
        there, or a video that is missing or listed twice.
    """
    return listed_videos(folder, (row for file in list_files(folder, listed) for row in _rows(file)))


def _rows(file: Path) -> Iterator[tuple[str, str, str]]:
    index = file.with_name("classInd.txt")
    numbers = _numbers(index)
    for where, (path, *number) in text_rows(file):
        name, _, video = path.partition("/")
        if not video or len(number) > 1:
            raise AurlError(f"{where}: expected <Class>/<video>, in a training list with the class's number behind it")
        if name not in numbers or number not in ([], [numbers[name]]):
            stated = f"class {numbers[name]}" if name in numbers else "no class"
            raise AurlError(
                f"{where}: '{' '.join([path, *number])}', but {index.name} has {stated} '{name}'; correct one"
            )
        yield where, path, name


def _numbers(index: Path) -> dict[str, str]:
    """Read classInd.txt: class -> its number, as text."""
    numbers = {}
    for where, line in text_rows(index):
        if len(line) != 2 or not line[0].isdigit() or line[1] in numbers:
            raise AurlError(f"{where}: expected a number and a class, each class once")
        numbers[line[1]] = line[0]
    return numbers

"""What the dataset layouts share: the contract, a video file with its class, and the walk through class folders.

A layout is a module with a docstring that shows its files, and one function:

    def find(folder: Path) -> list[VideoFile]

It lists every video of the dataset below `folder`, without hidden files, and raises AurlError for a file that the
layout does not allow. The order does not matter. A layout that reads a list has the usual path of the list below the
folder as `LIST`, and takes another one: `find(folder, listed=LIST)` (`datasets/listed.py`).

A new layout is one file in this folder, or a module from outside the package that `datasets.NAME.source.layout` names
with a dot: `my_package.my_layout`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from aurl.experiment.parts import LAYOUTS
from aurl.system.errors import AurlError
from aurl.system.plugins import load

VIDEO_SUFFIXES = {  # in any letter case
    *(".avi", ".divx", ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".f4v", ".mkv", ".webm", ".flv", ".wmv", ".asf"),
    *(".mpg", ".mpeg", ".mpe", ".m2v", ".vob", ".ts", ".m2ts", ".mts", ".m2t", ".ogv", ".ogm", ".gif"),
}


@dataclass(frozen=True, slots=True)  # there may be a million
class VideoFile:
    """A video file: its path relative to the dataset's folder, and its class."""

    path: str
    class_name: str


class Layout(Protocol):
    """A module that finds the videos of a dataset."""

    def find(self, folder: Path) -> list[VideoFile]:
        """List every video below a folder. Raises: AurlError for a file that the layout does not allow."""


def load_layout(name: str) -> Layout:
    """Import the layout of that name. Raises: AurlError for an unknown one."""
    return cast(Layout, load(LAYOUTS, name))


def list_class_folders(folder: Path) -> list[Path]:
    """List the folders in a folder, sorted, without hidden ones."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def list_videos(class_folder: Path, root: Path) -> Iterator[str]:
    """Yield the paths, relative to `root`, of the video files in a class folder, sorted.

    Raises: AurlError if there is none: an empty class would change every result without a message.
    """
    paths = sorted(
        path
        for path in class_folder.iterdir()
        if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
    )
    if not paths:
        raise AurlError(f"{class_folder}: the class has no video file; add its videos or remove the folder")
    for path in paths:
        yield path.relative_to(root).as_posix()

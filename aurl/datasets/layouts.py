"""What all folder layouts share: a video file with its class, and how class folders are walked."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aurl.system.errors import AurlError

VIDEO_SUFFIXES = {".avi", ".mp4", ".mkv", ".webm", ".mov", ".m4v", ".mpg", ".mpeg", ".flv", ".wmv"}


@dataclass(frozen=True, slots=True)  # there may be a million
class VideoFile:
    """A video file by its path relative to the dataset's folder, and the class it belongs to."""

    path: str
    class_name: str


def class_folders(folder: Path) -> list[Path]:
    """The sub-folders of a folder, sorted, hidden ones left out."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def videos_of(class_folder: Path, root: Path) -> Iterator[str]:
    """Paths, relative to `root`, of a class folder's video files.

    Raises: AurlError if there is none: an empty class would silently change every result.
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

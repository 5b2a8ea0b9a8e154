"""Read lists of videos for the layouts that have one: which of a folder's files belong to a dataset."""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from aurl.datasets.layouts.base import VIDEO_SUFFIXES, VideoFile
from aurl.system.errors import AurlError
from aurl.system.text_files import read_lines

MEND = "restore it as it was published"


def list_files(folder: Path, pattern: str) -> list[Path]:
    """Find the files of a list below a dataset's folder, sorted.

    Args:
        pattern: a path relative to the folder, in which * stands for any text.
    Raises: AurlError where there is none, or the path leads out of the folder.
    """
    _check_inside(pattern, "datasets.<name>.source.list", "folder of the dataset")
    files = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not files:
        raise AurlError(f"{folder / pattern}: no such list; put it there, or name it in datasets.<name>.source.list")
    return files


def text_rows(file: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield (file and line number, the line's words) of a list, without empty lines. Raises: AurlError."""
    for number, line in enumerate(read_lines(file, MEND), start=1):
        if line.strip():
            yield f"{file}: line {number}", line.split()


def listed_videos(folder: Path, rows: Iterable[tuple[str, str, str]]) -> list[VideoFile]:
    """Check listed videos: each lies in the folder, has the suffix of a video, and stands there once.

    Args:
        rows: file and line number, path relative to the folder, class.
    Raises: AurlError, with the first fault.
    """
    videos: dict[str, VideoFile] = {}
    missing = []
    for where, path, class_name in rows:
        _check_inside(path, where, "dataset's folder")
        if PurePosixPath(path).suffix.lower() not in VIDEO_SUFFIXES:
            raise AurlError(f"{where}: '{path}' has not the suffix of a video; correct the line")
        if path in videos:
            raise AurlError(f"{where}: '{path}' is listed twice; keep one of the lines")
        videos[path] = VideoFile(path, class_name)
        if not (folder / path).is_file():
            missing.append((where, path))
    if missing:
        where, path = missing[0]
        raise AurlError(
            f"{where}: {folder} has no file '{path}' ({len(missing)} of {len(videos)} listed videos are missing); put it"
            " there, or take the line out"
        )
    return list(videos.values())


def _check_inside(path: str, where: str, what: str) -> None:
    parts = PurePosixPath(path)
    if not path or parts.is_absolute() or ".." in parts.parts or "\\" in path:
        raise AurlError(f"{where}: '{path}' is no path below the {what}; write it relative to it, with /")

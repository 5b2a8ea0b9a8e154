"""HMDB51, as its archives unpack: `<folder>/<class>/<source>_<class>_<attributes>.avi`."""

from pathlib import Path

from aurl.datasets.class_names import spelling
from aurl.datasets.layouts import class_folders
from aurl.datasets.layouts.base import VideoFile
from aurl.system.errors import AurlError


def find(folder: Path) -> list[VideoFile]:
    """List every video file; its class is the name of its folder, with underscores.

    Letter case, blanks and underscores are compared as `spelling` does.
    Raises: AurlError if a file's name does not hold the class of its folder.
    """
    videos = class_folders.find(folder)
    for video in videos:
        if f"{spelling(video.class_name)} " not in spelling(Path(video.path).name):
            raise AurlError(
                f"{folder / video.path}: not an HMDB51 file name of class {video.class_name}"
                f" (expected <source>_{video.class_name}_<attributes>.avi); move or rename it,"
                " or use layout class_folders"
            )
    return videos

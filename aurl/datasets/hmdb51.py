"""HMDB51's layout: `<root>/<class>/<source>_<class>_<attributes>.avi`, as its archive of archives unpacks."""

from pathlib import Path

from aurl.datasets import class_folders
from aurl.datasets.layouts import VideoFile
from aurl.system.errors import AurlError


def find(folder: Path) -> list[VideoFile]:
    """Every video file with its class (the folder's name, with underscores).

    Raises: AurlError if a file's name does not hold the class of its folder.
    """
    videos = class_folders.find(folder)
    for video in videos:
        if f"{video.class_name}_" not in Path(video.path).name:
            raise AurlError(
                f"{folder / video.path}: not an HMDB51 file name of class {video.class_name}"
                f" (expected <source>_{video.class_name}_<attributes>.avi); move or rename it,"
                " or use layout class_folders"
            )
    return videos

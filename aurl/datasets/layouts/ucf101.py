"""UCF101, as its archive unpacks: `<folder>/<Class>/v_<Class>_gNN_cNN.avi`."""

import re
from pathlib import Path

from aurl.datasets.class_names import spelling
from aurl.datasets.layouts import class_folders
from aurl.datasets.layouts.base import VideoFile
from aurl.system.errors import AurlError


def find(folder: Path) -> list[VideoFile]:
    """List every video file; its class is the name of its folder.

    Letter case and blanks at the ends are not compared: the official files of HandstandPushups have the name
    v_HandStandPushups_*, and copies have folders of that name.
    Raises: AurlError if a file's name holds another class than its folder's.
    """
    videos = class_folders.find(folder)
    for video in videos:
        match = re.match(r"v_([A-Za-z]+)_g\d+_c\d+\.", Path(video.path).name)
        if match is None or spelling(match[1]) != spelling(video.class_name):
            raise AurlError(
                f"{folder / video.path}: not a UCF101 file name of class {video.class_name}"
                f" (expected v_{video.class_name}_gNN_cNN.avi); move or rename it, or use layout class_folders"
            )
    return videos

"""UCF101's layout: `<root>/<Class>/v_<Class>_gNN_cNN.avi`, as its archive unpacks."""

import re
from pathlib import Path

from aurl.datasets import class_folders
from aurl.datasets.layouts import VideoFile
from aurl.system.errors import AurlError


def find(folder: Path) -> list[VideoFile]:
    """Every video file with its class.

    The official files of HandstandPushups are called v_HandStandPushups_*: letter case is not compared.
    Raises: AurlError if a file's name tells another class than its folder's.
    """
    videos = class_folders.find(folder)
    for video in videos:
        named = re.match(r"v_([A-Za-z]+)_g\d+_c\d+\.", Path(video.path).name)
        if named is None or named[1].lower() != video.class_name.lower():
            raise AurlError(
                f"{folder / video.path}: not a UCF101 file name of class {video.class_name}"
                f" (expected v_{video.class_name}_gNN_cNN.avi); move or rename it, or use layout class_folders"
            )
    return videos

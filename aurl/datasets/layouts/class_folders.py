"""One folder for each class: `<folder>/<class>/<video>`; the folder's name is the class."""

from pathlib import Path

from aurl.datasets.layouts.base import VideoFile, list_class_folders, list_videos


def find(folder: Path) -> list[VideoFile]:
    """List every video file; its class is the name of its folder."""
    return [
        VideoFile(path, class_folder.name)
        for class_folder in list_class_folders(folder)
        for path in list_videos(class_folder, folder)
    ]

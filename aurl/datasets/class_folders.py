"""Plain layout: `<root>/<class>/<video>`; the folder's name is the class name."""

from pathlib import Path

from aurl.datasets.layouts import VideoFile, class_folders, videos_of


def find(folder: Path) -> list[VideoFile]:
    """Every video file with its folder's name as class."""
    return [
        VideoFile(path, class_folder.name)
        for class_folder in class_folders(folder)
        for path in videos_of(class_folder, folder)
    ]

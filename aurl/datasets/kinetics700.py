"""Kinetics-700's layout: `<root>/[train/]<class name>/<youtube id>_<start>_<end>.mp4`.

Copies differ: some have a `train` folder above the classes, some write class names with underscores, some
leave the times out of the file name, some are re-muxed to mkv or webm. All of these are read.
"""

from pathlib import Path

from aurl.datasets.layouts import VideoFile, class_folders, videos_of


def find(folder: Path) -> list[VideoFile]:
    """Every video file of the training part with its class name, spaces restored."""
    top = folder / "train" if (folder / "train").is_dir() else folder
    return [
        VideoFile(path, class_folder.name.replace("_", " "))
        for class_folder in class_folders(top)
        for path in videos_of(class_folder, folder)
    ]

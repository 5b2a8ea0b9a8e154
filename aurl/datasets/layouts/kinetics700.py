"""Kinetics-700: `<folder>/[train/]<class name>/<youtube id>_<start>_<end>.mp4`.

Copies differ: some have a `train` folder above the classes, some write class names with underscores, some
leave the times out of the file name, some are re-muxed to mkv or webm. All of these are read.
"""

from pathlib import Path

from aurl.datasets.layouts.base import VideoFile, list_class_folders, list_videos


def find(folder: Path) -> list[VideoFile]:
    """List every video file of the training part; its class is the name of its folder, with spaces."""
    top = folder / "train" if (folder / "train").is_dir() else folder
    return [
        VideoFile(path, class_folder.name.replace("_", " "))
        for class_folder in list_class_folders(top)
        for path in list_videos(class_folder, folder)
    ]

"""List the videos to test on: of class folders, of a csv, or of a public test set."""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aurl.datasets.class_names import spelling
from aurl.datasets.layouts.base import VIDEO_SUFFIXES, list_class_folders
from aurl.evaluation.test_sets import TestSet
from aurl.evaluation.test_sets import test_set as find_test_set
from aurl.frames.image_folders import image_files
from aurl.system.errors import AurlError
from aurl.system.text_files import read_lines

OWN = "own videos"
MEND = "give a table with the columns path and class"
EXAMPLES = 3


@dataclass(frozen=True)
class Listed:
    """Hold the videos to test on, in the order of their test set.

    Args:
        test_set: its `videos` are these; `name` is that of a public test set, or `own videos`.
        paths: (N,) files, or folders of images. missing: official names without a file.
    """

    test_set: TestSet
    paths: list[Path]
    missing: list[str]

    @property
    def is_own(self) -> bool:
        """Say whether these are no public test set's."""
        return self.test_set.name == OWN

    def readable(self, failures: dict[Path, str]) -> "Listed":
        """Leave out the videos that could not be read. Classes stay candidates."""
        kept = np.array([path not in failures for path in self.paths])
        paths = [path for path in self.paths if path not in failures]
        return Listed(_subset(self.test_set, kept), paths, self.missing)


def list_own(place: Path) -> Listed:
    """List the videos of a folder of class folders, or of a csv.

    Raises: AurlError for a place without videos, a damaged csv, or fewer than two classes.
    """
    if place.is_dir():
        rows = [(path, folder.name) for folder in list_class_folders(place) for path in _in_class(folder)]
        names = [path.relative_to(place).as_posix() for path, _ in rows]
    elif place.is_file():
        rows, names = _in_csv(place)
    else:
        raise AurlError(f"{place}: no such folder or csv, and no public test set of that name")
    classes = sorted({name for _, name in rows})
    if len(classes) < 2:
        raise AurlError(f"{place}: {len(classes)} classes with videos; give a folder for each of two classes or more")
    _refuse_alike(place, classes)
    number = {name: index for index, name in enumerate(classes)}
    order = sorted(range(len(rows)), key=lambda row: (number[rows[row][1]], names[row]))
    labels = np.array([number[rows[row][1]] for row in order], np.int64)
    return Listed(
        _own_set(place.name, classes, [names[row] for row in order], labels), [rows[row][0] for row in order], []
    )


def list_official(name: str, folder: Path) -> Listed:
    """List a public test set's videos below a folder, wherever they lie in it.

    A video is known by its official file name, whatever its ending; a folder of that name holds its frames. Of test sets
    without listed videos the class folders are taken.

    Raises: AurlError for a folder without them, or a video that is there twice.
    """
    official = find_test_set(name)
    if not folder.is_dir():
        raise AurlError(f"{folder}: no such folder; give the videos of {official.label} with --videos")
    if not official.videos:
        return _by_class_folders(official, folder)
    numbers = {Path(video).stem: number for number, video in enumerate(official.videos)}
    places: dict[int, Path] = {}
    for path in _walk(folder, set(numbers)):
        other = places.setdefault(numbers[path.stem], path)
        if other != path:
            raise AurlError(f"{path}: also there as {other}; leave one of them")
    if not places:
        raise AurlError(f"{folder}: no video of {official.label} below it; they are named like {official.videos[0]}")
    kept = np.zeros(len(official.videos), bool)
    kept[list(places)] = True
    missing = [official.videos[number] for number in np.flatnonzero(~kept)]
    return Listed(_subset(official, kept), [places[number] for number in sorted(places)], missing)


def _by_class_folders(official: TestSet, folder: Path) -> Listed:
    own = list_own(folder)
    known = {spelling(name): number for number, name in enumerate(official.classes)}
    unknown = [name for name in own.test_set.classes if spelling(name) not in known]
    if unknown:
        raise AurlError(f"{folder}: '{unknown[0]}' is no class of {official.label} ({len(unknown)} unknown); rename it")
    numbers = np.array([known[spelling(name)] for name in own.test_set.classes])
    folders = _own_set(official.label, list(official.classes), list(own.test_set.videos), numbers[own.test_set.labels])
    facts = official.name, official.label, folders.classes, folders.videos, folders.labels, folders.lists
    return Listed(TestSet(*facts, official.official_order), own.paths, [])


def _in_class(folder: Path) -> Iterator[Path]:
    """Yield the video files of a class folder, and its folders of images."""
    for path in sorted(folder.iterdir()):
        if not path.name.startswith(".") and (path.suffix.lower() in VIDEO_SUFFIXES or _holds_images(path)):
            yield path
    if image_files(folder):
        raise AurlError(f"{folder}: images lie in the class folder itself; put those of each video into a folder")


def _in_csv(file: Path) -> tuple[list[tuple[Path, str]], list[str]]:
    """Read paths, relative to the csv's folder or absolute, and classes."""
    reader = csv.reader((f"{line}\n" for line in read_lines(file, MEND)), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        cells = list(reader)
    except csv.Error as error:
        raise AurlError(f"{file}: line {reader.line_num}: {error}; {MEND}") from None
    if not {"path", "class"} <= set(header):
        raise AurlError(f"{file}: columns {', '.join(header)[:200]}; {MEND}")
    path, name = header.index("path"), header.index("class")
    for line, row in enumerate(cells, start=2):
        if len(row) != len(header) or not row[path].strip() or not row[name].strip():
            raise AurlError(f"{file}: line {line} has no path and class for the columns {', '.join(header)}; {MEND}")
    names = [row[path].strip() for row in cells]
    twice = [text for text in names if names.count(text) > 1] if len(set(names)) < len(names) else []
    if twice:
        raise AurlError(f"{file}: '{twice[0]}' is there twice; give each video once")
    return [(file.parent / text, row[name].strip()) for text, row in zip(names, cells, strict=True)], names


def _walk(folder: Path, stems: set[str]) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        inner = [name for name in sorted(folders) if name in stems and _holds_images(Path(root, name))]
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in inner)
        yield from (Path(root, name) for name in inner)
        for name in sorted(files):
            path = Path(root, name)
            if path.stem in stems and path.suffix.lower() in VIDEO_SUFFIXES:
                yield path


def _holds_images(path: Path) -> bool:
    return path.is_dir() and bool(image_files(path))


def _refuse_alike(place: Path, classes: list[str]) -> None:
    known: dict[str, str] = {}
    for name in classes:
        other = known.setdefault(spelling(name), name)
        if other != name:
            raise AurlError(f"{place}: classes '{other}' and '{name}' differ in spelling only; give them one name")


def _own_set(label: str, classes: list[str], videos: list[str], labels: np.ndarray) -> TestSet:
    lists = np.zeros((len(videos), 3), np.int8)
    return TestSet(OWN, label, tuple(classes), tuple(videos), labels, lists, tuple(classes))


def _subset(whole: TestSet, kept: np.ndarray) -> TestSet:
    videos = tuple(video for video, keep in zip(whole.videos, kept, strict=True) if keep)
    facts = whole.name, whole.label, whole.classes, videos, whole.labels[kept], whole.lists[kept]
    return TestSet(*facts, whole.official_order)

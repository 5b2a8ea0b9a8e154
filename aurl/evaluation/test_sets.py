"""Describe the public test sets: classes, official videos with their labels, official lists, words.

A test set is facts that come with the package (data/NOTICE says from where). No video, no setting and no network is
needed. Videos of Kinetics-600, ActivityNet-200 and Olympic Sports are not listed: their files come and go.
"""

import csv
import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from aurl.datasets.class_names import suggest
from aurl.system.errors import AurlError
from aurl.system.shipped import PROTOCOL_LISTS, TOKEN_TABLE, packaged, videos_of

if TYPE_CHECKING:
    import numpy as np

LABELS = {
    "ucf101": "UCF101",
    "hmdb51": "HMDB51",
    "activitynet200": "ActivityNet-200",
    "olympic_sports16": "Olympic Sports",
    "kinetics600": "Kinetics-600, new classes",
}
WITH_VIDEOS = ("ucf101", "hmdb51")
TRAIN, TEST, NEITHER = 1, 2, 0  # marks of the official lists, as HMDB51 writes them


@dataclass(frozen=True)
class TestSet:
    """Hold a test set's facts.

    Args:
        name: as `aurl.test_set` takes it. label: as tables write it.
        classes: C names in code point order, which is the order of all numbers here.
        videos: N official file names; empty where they are not listed.
        labels: (N,) int64, the class number of each video.
        lists: (N, 3) int8, a video's mark in the official lists 1 to 3: 1 training, 2 test, 0 neither.
        official_order: the C names in the dataset's own order (UCF101: classInd.txt).
    """

    __test__ = False  # no test, whatever pytest thinks of its name

    name: str
    label: str
    classes: tuple[str, ...]
    videos: tuple[str, ...]
    labels: "np.ndarray"
    lists: "np.ndarray"
    official_order: tuple[str, ...]

    def official_list(self, number: int, part: str = "test") -> tuple[str, ...]:
        """List the videos of an official list.

        Args:
            number: 1, 2 or 3. part: `test`, `train`, or `neither` (HMDB51 leaves videos out of a list).
        Raises: AurlError for another number or part, or a test set without listed videos.
        """
        marks = {"test": TEST, "train": TRAIN, "neither": NEITHER}
        if number not in (1, 2, 3) or part not in marks:
            raise AurlError(f"official list {number!r}, part '{part}': give 1, 2 or 3, and {', '.join(marks)}")
        if not self.videos:
            raise AurlError(f"{self.label}: its videos are not listed here, so there are no official lists")
        chosen = self.lists[:, number - 1] == marks[part]
        return tuple(video for video, of_list in zip(self.videos, chosen, strict=True) if of_list)

    @cached_property
    def words(self) -> Mapping[str, tuple[str, ...]]:
        """Map each class to the words that its name stands for (docs/tokens.md); empty for Kinetics-600."""
        with packaged(TOKEN_TABLE).open(newline="") as handle:
            rows = [row for row in csv.DictReader(handle) if row["dataset"] == self.name]
        return {row["class"]: tuple(row["tokens"].split()) for row in rows}

    @cached_property
    def digest(self) -> str:
        """Compute the SHA-256 of classes, videos, labels and lists."""
        rows = zip(self.videos, self.labels.tolist(), self.lists.tolist(), strict=True)
        return hashlib.sha256(json.dumps([self.classes, list(rows)]).encode()).hexdigest()


@lru_cache
def test_set(name: str) -> TestSet:
    """Give a public test set by its name, such as `ucf101`. Raises: AurlError for an unknown name."""
    import numpy as np

    if name not in LABELS:
        raise AurlError(f"no test set {suggest([name], tuple(LABELS))}; known: {', '.join(LABELS)}")
    if name not in WITH_VIDEOS:
        nothing = np.zeros(0, np.int64), np.zeros((0, 3), np.int8)
        classes = tuple(sorted(_class_list(name)))
        return TestSet(name, LABELS[name], classes, (), *nothing, classes)
    with gzip.open(packaged(videos_of(name)), "rt", newline="") as handle:
        own, videos, marks = zip(*list(csv.reader(handle))[1:], strict=True)
    order = tuple(dict.fromkeys(own))
    classes = tuple(sorted(order))
    numbers = {of_class: number for number, of_class in enumerate(classes)}
    labels = np.array([numbers[of_class] for of_class in own], np.int64)
    lists = np.array([list(map(int, of_video)) for of_video in marks], np.int8)
    return TestSet(name, LABELS[name], classes, videos, labels, lists, order)


test_set.__test__ = False  # type: ignore[attr-defined]  # as above


def read_lists(file: str, test_set: str) -> dict[str, tuple[str, ...]]:
    """Read a shipped file of class lists: the lists of a test set by name (without the test set's)."""
    lists: dict[str, list[str]] = {}
    with packaged(PROTOCOL_LISTS / file).open(newline="") as handle:
        for row in csv.DictReader(handle):
            owner, _, name = row["list"].partition(" ")
            if owner == test_set:
                lists.setdefault(name, []).append(row["class"])
    return {name: tuple(classes) for name, classes in lists.items()}


def _class_list(name: str) -> set[str]:
    """List the classes of a test set without listed videos."""
    if name == "kinetics600":  # those that any draw tests; 3 of the 220 are in none
        return {of_class for classes in read_lists("kinetics600_160.csv", name).values() for of_class in classes}
    with packaged(TOKEN_TABLE).open(newline="") as handle:
        return {row["class"] for row in csv.DictReader(handle) if row["dataset"] == name}

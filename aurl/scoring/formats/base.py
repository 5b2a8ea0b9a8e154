"""Define a format of score files, and read a file by its ending.

A reader never runs anything that a file holds, and reads no array before its size is checked against the names.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aurl.evaluation.test_sets import TestSet
from aurl.scoring.submission import Submission
from aurl.system import plugins
from aurl.system.errors import AurlError, one_line

FOLDER = "aurl.scoring.formats"
MOST_NAME_BYTES = 64 * 2**20
MOST_BYTES = 2 * 2**30  # of an array
MOST_VIDEOS = 1_000_000  # where the test set's videos are not listed
NAMES = {"class": "classes", "video": "videos", "label": "labels"}  # name in a file -> in a submission
ARRAYS = ("scores", "video_embeddings", "class_embeddings")


@dataclass(frozen=True)
class Limits:
    """Bound what a file may hold: a few times what the test set has, so that a mistake is still named."""

    videos: int
    classes: int

    @classmethod
    def of(cls, test_set: TestSet) -> "Limits":
        """Take four times the test set."""
        return cls(4 * len(test_set.videos) or MOST_VIDEOS, 4 * len(test_set.classes))

    def check(self, path: Path, names: Mapping[str, int]) -> None:
        """Check numbers of names. Raises: AurlError."""
        for name, number in names.items():
            most = self.classes if name == "class" else self.videos
            if number > most:
                raise AurlError(
                    f"{path}: {number:,} names in '{name}', far more than the test set has; at most {most:,}"
                )


ANY_SIZE = Limits(videos=1_000_000, classes=100_000)  # a file may hold more than what is tested


class Format(Protocol):
    """Describe the module of a format."""

    def read(self, path: Path, limits: Limits) -> Submission:
        """Read a file.

        Raises: AurlError for an unusable file; `read_file` words the errors of a format's library.
        """


def read_file(path: Path, test_set: TestSet, limits: Limits | None = None) -> Submission:
    """Read a score file of any format; by default it holds at most four times the test set.

    Raises: AurlError for an unusable or foreign file.
    """
    known = plugins.names(FOLDER)
    ending = path.suffix.lower().removeprefix(".")
    if ending not in known:
        raise AurlError(f"{path}: endings of score files are {', '.join(f'.{name}' for name in known)}")
    if not path.is_file():
        raise AurlError(f"{path}: no such file")
    try:
        return plugins.load(FOLDER, ending).read(path, limits or Limits.of(test_set)).check()
    except (AurlError, MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # of the library that reads the format
        raise AurlError(f"{path}: no usable .{ending} file ({one_line(f'{type(error).__name__}: {error}')})") from None


def names_from_json(path: Path, text: str, what: str) -> list[str]:
    """Read names from a JSON list. Raises: AurlError."""
    if len(text) > MOST_NAME_BYTES:
        raise AurlError(f"{path}: '{what}' is longer than {MOST_NAME_BYTES:,} characters")
    try:
        names: Any = json.loads(text)
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise AurlError(f"{path}: '{what}' is no JSON list of names")
    return names

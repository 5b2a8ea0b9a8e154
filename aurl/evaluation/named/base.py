"""Define a named protocol: which classes are the candidates, and which of their videos count.

A protocol is a file of this folder, or a module from outside with a dotted name. Its lists are facts that come with the
package. It says nothing about a network, so scores of any method can be tested by it (`aurl score`), and two methods that
name it were tested on the same.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from aurl.evaluation.test_sets import WITH_VIDEOS, TestSet
from aurl.system import plugins
from aurl.system.errors import AurlError, choices
from aurl.system.shipped import PROTOCOL_LISTS, TOKEN_TABLE, videos_of

if TYPE_CHECKING:
    import numpy as np

FOLDER = "aurl.evaluation.named"


@dataclass(frozen=True)
class Run:
    """Hold one test: its candidate classes, and which of their videos count.

    Args:
        videos: bool (N,), a mark of the test set's videos; None for all videos of the classes.
    """

    name: str
    classes: tuple[str, ...]
    videos: "np.ndarray | None" = None

    def needs_scores(self, test_set: TestSet) -> bool:
        """Say whether a video's best class among all is not enough, since the run has fewer candidates."""
        return len(self.classes) < len(test_set.classes)


class NamedProtocol(Protocol):
    """Describe the module of a named protocol. Its docstring says what is tested."""

    LABEL: str  # as tables write it, at most 24 characters
    TEST_SETS: tuple[str, ...]
    SOURCE: str  # where the lists come from: the rule, or project, commit and file
    USED_BY: str  # papers and projects that test so
    DIFFERS: str  # what it is easily mixed up with
    AVERAGES: tuple[int, ...]
    """How many runs a row averages, from the first one on, a row each. Empty: one row of all runs."""

    def runs(self, test_set: TestSet) -> list[Run]:
        """List the runs on a test set, in order."""

    def files(self, settings: object) -> list[Path]:
        """List the shipped files that the runs follow from (optional; `shipped_files`)."""


@dataclass(frozen=True)
class Named:
    """Describe a protocol on a test set: all that is needed to apply it, and to say which one it was."""

    name: str
    label: str
    summary: str
    source: str
    used_by: str
    differs: str
    test_sets: tuple[str, ...]


def shipped_files(*lists: str) -> Callable[[object], list[Path]]:
    """Make the function `files` of a protocol: the shipped files that its runs follow from.

    Args:
        lists: files of class lists.
    """
    facts = [TOKEN_TABLE, *(videos_of(name) for name in WITH_VIDEOS)]
    return lambda settings: [*facts, *(PROTOCOL_LISTS / name for name in lists)]


def protocol_names() -> list[str]:
    """List the protocols in the order of tables: all classes, then by name."""
    return sorted(plugins.names(FOLDER), key=lambda name: (name != "all_classes", name))


def load(name: str) -> ModuleType:
    """Load a protocol; a name with a dot is a module from outside. Raises: AurlError for an unknown name."""
    if "." not in name and name not in protocol_names():
        raise AurlError(f"no protocol '{name}'; {choices(name, protocol_names())}")
    return plugins.load(FOLDER, name)


def protocols(test_set: str | None = None) -> list[Named]:
    """Describe the protocols by name, of one test set or all."""
    listed = []
    for name in protocol_names():
        module = load(name)
        if test_set is None or test_set in module.TEST_SETS:
            summary = (module.__doc__ or "").strip()
            facts = module.SOURCE, module.USED_BY, module.DIFFERS, module.TEST_SETS
            listed.append(Named(name, module.LABEL, summary, *facts))
    return listed


def digest(runs: list[Run], test_set: TestSet) -> str:
    """Compute the SHA-256 of the runs: each one's name, classes and videos, sorted."""
    facts = []
    for run in runs:
        marks = () if run.videos is None else zip(test_set.videos, run.videos, strict=True)
        videos = None if run.videos is None else sorted(video for video, of_run in marks if of_run)
        facts.append([run.name, sorted(run.classes), videos])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

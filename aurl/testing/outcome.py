"""Test a network on listed videos: embeddings, the scores of every protocol, and each class by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aurl.evaluation.named.base import Run, load, protocol_names
from aurl.experiment.settings import ComputeSettings
from aurl.inference.embed import embed_at_counts
from aurl.scoring.evaluate import evaluate_runs
from aurl.scoring.matching import Matched, match_in_order
from aurl.scoring.ranks import ranked_above
from aurl.scoring.result import Result
from aurl.system.errors import AurlError
from aurl.testing.network import Network
from aurl.testing.videos import Listed

NAMED = 5  # videos or classes in a note
OWN_PROTOCOLS = ("all_classes", "half_classes")  # those that any set of videos can be tested by


@dataclass(frozen=True)
class Outcome:
    """Hold what a test gives at one clip count.

    Args:
        listed: the videos that were read. unreadable: path -> reason of the others.
        class_embeddings: (C, space); video_embeddings: (N, space), float32.
        best: (N,) number of the best class. rank: (N,) rank of a video's own class, from 1.
    """

    clips: int
    network: Network
    listed: Listed
    unreadable: dict[Path, str]
    class_embeddings: np.ndarray
    video_embeddings: np.ndarray
    result: Result
    best: np.ndarray
    rank: np.ndarray


@dataclass(frozen=True)
class ClassRow:
    """Hold the accuracy of one class in percent, among all classes; None without a video.

    Args:
        confused: the other class that most of its videos are taken for, and confused_videos: how many.
    """

    name: str
    videos: int
    top1: float | None
    top5: float | None
    confused: str
    confused_videos: int


def measure(
    network: Network, listed: Listed, clips: list[int], batch_size: int, compute: ComputeSettings,
    protocols: Sequence[str] = (), tokens: str | None = None, workers: int = 1,
) -> list[Outcome]:  # fmt: skip
    """Test a network on listed videos, at each clip count.

    Args:
        protocols: names; by default all of a public test set, and all classes of other videos.
        tokens: where words come from; by default the official ones of a public test set, else the names' own.
    Raises: AurlError for unknown words or protocols, or if no video can be read.
    """
    whole = listed.test_set
    usual = whole.name if not listed.is_own and whole.words else "words"
    classes = network.embed_classes(whole.classes, tokens or usual)
    embedded = embed_at_counts(
        network.model, listed.paths, clips, network.clip_length, network.frames, batch_size, compute, workers, "test"
    )
    if not embedded.videos:
        path, reason = next(iter(embedded.failures.items()))
        raise AurlError(f"{path}: {reason}; none of the {len(listed.paths)} videos can be read")
    read = listed.readable(embedded.failures)
    runs, notes = choose_runs(read, protocols)
    notes = [*network.notes, *describe_left_out(read, embedded.failures), *notes]
    outcomes = []
    for number, videos in zip(clips, embedded.embeddings.numpy(), strict=True):
        matched = match_in_order(network.file.name, read.test_set, videos, classes)
        best, rank = _ranks(matched)
        result = evaluate_runs(matched, runs, notes)
        outcomes.append(Outcome(number, network, read, embedded.failures, classes, videos, result, best, rank))
    return outcomes


def choose_runs(listed: Listed, protocols: Sequence[str]) -> tuple[dict[str, list[Run]], list[str]]:
    """List the runs of the chosen protocols, or of all that these videos allow; and why others do not.

    Raises: AurlError for a protocol that is unknown or not of this test set.
    """
    test_set, runs, notes = listed.test_set, {}, []
    possible = [name for name in protocol_names()
                if (name in OWN_PROTOCOLS if listed.is_own else test_set.name in load(name).TEST_SETS)]  # fmt: skip
    for name in protocols:
        load(name)
        if name not in possible and "." not in name:
            raise AurlError(f"protocol '{name}' is not of {test_set.label}, which has {', '.join(possible)}")
    for name in protocols or (["all_classes"] if listed.is_own else possible):
        of_protocol = load(name).runs(test_set)
        empty = sum(not _has_videos(listed, run) for run in of_protocol)
        if empty:
            notes.append(f"Not tested: {name}: {empty} of its {len(of_protocol)} runs have no video here.")
        else:
            runs[name] = of_protocol
    if not runs:
        raise AurlError(f"{test_set.label}: no protocol can be done: {' '.join(notes)}")
    return runs, notes


def describe_left_out(listed: Listed, failures: dict[Path, str]) -> list[str]:
    """Name the videos that are not there or cannot be read, and the classes without any."""
    notes = []
    if failures:
        shown = [f"{path.name} ({reason})" for path, reason in failures.items()]
        notes.append(f"{len(failures)} videos cannot be read: {_some(shown)}.")
    if listed.missing:
        official = len(listed.missing) + len(listed.paths) + len(failures)
        notes.append(f"{len(listed.missing):,} of {official:,} videos are not there: {_some(listed.missing)}.")
    counts = np.bincount(listed.test_set.labels, minlength=len(listed.test_set.classes))
    empty = [listed.test_set.classes[number] for number in np.flatnonzero(counts == 0)]
    if empty:
        notes.append(f"{len(empty)} classes have no video here, but are candidates: {_some(empty)}.")
    return notes


def class_rows(outcome: Outcome) -> list[ClassRow]:
    """Give the accuracy of each class, with all classes as candidates, in their order."""
    names = outcome.listed.test_set.classes
    rows = []
    for number, (name, counts) in enumerate(zip(names, confusion(outcome), strict=True)):
        ranks = outcome.rank[outcome.listed.test_set.labels == number]
        others = counts.copy()
        others[number] = 0
        worst = int(others.argmax())
        accuracies = [float(100 * (ranks <= most).mean()) if len(ranks) else None for most in (1, 5)]
        confused = names[worst] if others[worst] else ""
        rows.append(ClassRow(name, len(ranks), accuracies[0], accuracies[1], confused, int(others[worst])))
    return rows


def confusion(outcome: Outcome) -> np.ndarray:
    """Count the videos of each class (rows) by their best class among all (columns): int64 (C, C)."""
    counts = np.zeros((len(outcome.listed.test_set.classes),) * 2, np.int64)
    np.add.at(counts, (outcome.listed.test_set.labels, outcome.best), 1)
    return counts


def _ranks(matched: Matched) -> tuple[np.ndarray, np.ndarray]:
    assert matched.scores is not None
    return matched.scores.argmax(axis=1), ranked_above(matched.scores, matched.labels).sum(axis=1) + 1


def _has_videos(listed: Listed, run: Run) -> bool:
    test_set = listed.test_set
    inside = np.isin(np.array(test_set.classes), run.classes)[test_set.labels]
    return bool((inside if run.videos is None else inside & run.videos).any())


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"

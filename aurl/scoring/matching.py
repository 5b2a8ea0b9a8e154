"""Match a submission to a test set by names: the order of videos and classes in a file never counts."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aurl.datasets.class_names import spelling, suggest
from aurl.evaluation.named.base import Run
from aurl.evaluation.test_sets import TestSet
from aurl.scoring.submission import EXAMPLES, Submission
from aurl.system.errors import AurlError

Known = tuple[str, TestSet, np.ndarray, np.ndarray | None, np.ndarray | None]  # the first fields of `Matched`
VIDEO_ENDINGS = (".avi", ".mp4", ".mkv", ".webm")


@dataclass(frozen=True)
class Matched:
    """Hold a submission in the order of its test set: N videos, all C classes.

    Args:
        labels: (N,) int64 class numbers.
        videos: (N,) int64 numbers of the test set's videos; None where they are not identified.
        keys: (N,) what tells the videos apart: these numbers, or names in a test set without listed videos; or None.
        present: bool (C,), the classes that have scores.
        scores: (N, C), -inf for a class without; or predicted: (N,) class numbers.
        embeddings: the (N, d) and (C, d) that the scores are cosines of, rows of absent classes zero.
    """

    origin: str
    test_set: TestSet
    labels: np.ndarray
    videos: np.ndarray | None
    keys: np.ndarray | None
    present: np.ndarray
    scores: np.ndarray | None = None
    predicted: np.ndarray | None = None
    embeddings: tuple[np.ndarray, np.ndarray] | None = None

    def covers(self, run: Run) -> str:
        """Say why a run cannot be done with these, or nothing."""
        if self.predicted is not None and run.needs_scores(self.test_set):
            return "a predicted class does not say which of fewer classes is best; this needs scores"
        if self.videos is None and run.videos is not None:
            return "some videos of a class count, and the videos are not identified; this needs 'video'"
        return ""


def match(submission: Submission, test_set: TestSet) -> Matched:
    """Bring a submission into the order of its test set.

    Raises: AurlError for an unknown or double name, or labels that are not the test set's.
    """
    origin = submission.origin
    videos, labels, order, keys = _match_videos(submission, test_set)
    known = origin, test_set, labels, videos, keys
    if submission.predicted is not None:
        own = _numbers(origin, "predicted classes", sorted(set(submission.predicted)), test_set)
        numbers = np.array([own[name] for name in submission.predicted])
        return Matched(*known, np.ones(len(test_set.classes), bool), predicted=numbers[order])
    places = _places(submission, test_set)
    present = np.zeros(len(test_set.classes), bool)
    present[places] = True
    if submission.scores is not None:
        scores = np.full((len(labels), len(present)), -np.inf, np.result_type(submission.scores, np.float32))
        scores[:, places] = submission.scores[order]
        return Matched(*known, present, scores)
    assert submission.video_embeddings is not None
    assert submission.class_embeddings is not None
    of_classes = np.zeros((len(present), submission.class_embeddings.shape[1]))
    of_classes[places] = submission.class_embeddings
    return _embedded(known, present, submission.video_embeddings[order], of_classes)


def match_in_order(origin: str, test_set: TestSet, of_videos: np.ndarray, of_classes: np.ndarray) -> Matched:
    """Take embeddings that stand in their test set's order already.

    Args:
        of_videos: (N, d), a row for each video. of_classes: (C, d), a row for each class.
    """
    numbers = np.arange(len(test_set.videos))
    known = origin, test_set, test_set.labels, numbers, numbers
    return _embedded(known, np.ones(len(test_set.classes), bool), of_videos, of_classes)


def _embedded(known: Known, present: np.ndarray, of_videos: np.ndarray, of_classes: np.ndarray) -> Matched:
    """Compare embeddings by cosine; `known` are the first fields of the result."""
    of_videos, of_classes = of_videos.astype(np.float64), of_classes.astype(np.float64)
    cosines = _unit(of_videos) @ _unit(of_classes).T
    cosines[:, ~present] = -np.inf
    return Matched(*known, present, cosines, embeddings=(of_videos, of_classes))


def require(matched: Matched, runs: Iterable[Run]) -> None:
    """Check that the classes and videos of all runs are there.

    Raises: AurlError, with how many are missing.
    """
    test_set, needed = matched.test_set, list(runs)
    numbers = {name: number for number, name in enumerate(test_set.classes)}
    candidates = np.zeros(len(numbers), bool)
    candidates[[numbers[name] for run in needed for name in run.classes]] = True
    absent = [test_set.classes[number] for number in np.flatnonzero(candidates & ~matched.present)]
    if absent:
        raise AurlError(
            f"{matched.origin}: {len(absent)} of the {candidates.sum()} classes have no scores: {_some(absent)};"
            f" give all, or name protocols that need fewer (--protocol)"
        )
    if not test_set.videos:
        _require_some(matched, candidates)
    elif matched.videos is None:
        _require_counts(matched, candidates)
    else:
        _require_videos(matched, needed, numbers)


def _require_some(matched: Matched, candidates: np.ndarray) -> None:
    counts = np.bincount(matched.labels, minlength=len(candidates))
    absent = [matched.test_set.classes[number] for number in np.flatnonzero(candidates & (counts == 0))]
    if absent:
        raise AurlError(
            f"{matched.origin}: {len(absent)} of the {candidates.sum()} classes have no video: {_some(absent)}; give all,"
            " or name protocols that need fewer (--protocol)"
        )


def _require_counts(matched: Matched, candidates: np.ndarray) -> None:
    test_set = matched.test_set
    given, official = (np.bincount(labels, minlength=len(candidates)) for labels in (matched.labels, test_set.labels))
    wrong = np.flatnonzero(candidates & (given != official))
    if len(wrong):
        first = wrong[0]
        raise AurlError(
            f"{matched.origin}: {given[first]} videos are labelled '{test_set.classes[first]}', {test_set.label} has"
            f" {official[first]} ({len(wrong)} classes differ); give every video once, or its name as 'video'"
        )


def _require_videos(matched: Matched, runs: Sequence[Run], numbers: Mapping[str, int]) -> None:
    test_set = matched.test_set
    needed = np.zeros(len(test_set.videos), bool)
    for run in runs:
        inside = np.isin(test_set.labels, [numbers[name] for name in run.classes])
        needed |= inside if run.videos is None else inside & run.videos
    assert matched.videos is not None
    there = np.zeros(len(needed), bool)
    there[matched.videos] = True
    absent = [test_set.videos[number] for number in np.flatnonzero(needed & ~there)]
    if absent:
        raise AurlError(
            f"{matched.origin}: {len(absent):,} of {needed.sum():,} videos are missing: {_some(absent)}; give all, or"
            " name protocols that need fewer (--protocol)"
        )


def _places(submission: Submission, test_set: TestSet) -> np.ndarray:
    """Number the classes of the columns."""
    own = _numbers(submission.origin, "classes", submission.classes, test_set)
    by_number: dict[int, str] = {}
    for name in submission.classes:
        if own[name] in by_number:
            raise AurlError(
                f"{submission.origin}: class '{test_set.classes[own[name]]}' is there twice, as"
                f" '{by_number[own[name]]}' and '{name}'; give one column for each class"
            )
        by_number[own[name]] = name
    return np.array([own[name] for name in submission.classes], np.int64)


def _numbers(origin: str, what: str, names: Sequence[str], test_set: TestSet) -> dict[str, int]:
    """Number class names by spelling, and where that fails without blanks ("Apply Eye Makeup")."""
    spelt = {spelling(name): number for number, name in enumerate(test_set.classes)}
    joined = {key.replace(" ", ""): number for key, number in spelt.items()}
    numbers: dict[str, int] = {}
    unknown = []
    for name in dict.fromkeys(names):
        number = spelt.get(spelling(name), joined.get(spelling(name).replace(" ", "")))
        if number is None:
            unknown.append(name)
        else:
            numbers[name] = number
    if unknown:
        raise AurlError(
            f"{origin}: {len(unknown)} of {len(set(names))} {what} are none of {test_set.label}:"
            f" {suggest((name[:80] for name in unknown[:EXAMPLES]), test_set.classes)}"
            f"{' ...' if len(unknown) > EXAMPLES else ''}; write them as the dataset does"
        )
    return numbers


def _match_videos(
    submission: Submission, test_set: TestSet
) -> tuple[np.ndarray | None, np.ndarray, np.ndarray, np.ndarray | None]:
    """Number videos and labels, both in the test set's order; give the order itself, and what identifies a video."""
    labels = None
    if submission.labels is not None:
        own = _numbers(submission.origin, "labels", submission.labels, test_set)
        labels = np.array([own[name] for name in submission.labels], np.int64)
    if submission.videos is None or not test_set.videos:
        if labels is None:
            raise AurlError(
                f"{submission.origin}: the videos of {test_set.label} are not listed here; give 'label', their classes"
            )
        if submission.videos is None:
            order = np.argsort(labels, kind="stable")
            return None, labels[order], order, None
        keys = np.array([_key(name) for name in submission.videos])
        _refuse_doubles(submission, keys.tolist())
        order = np.argsort(keys)
        return None, labels[order], order, keys[order]
    videos = _video_numbers(submission, submission.videos, test_set)
    if labels is not None and (labels != test_set.labels[videos]).any():
        row = int(np.flatnonzero(labels != test_set.labels[videos])[0])
        raise AurlError(
            f"{submission.origin}: video '{submission.videos[row]}' is labelled '{test_set.classes[labels[row]]}', but is"
            f" of '{test_set.classes[test_set.labels[videos[row]]]}'"
            f" ({(labels != test_set.labels[videos]).sum():,} differ); leave 'label' out"
        )
    order = np.argsort(videos)
    return videos[order], test_set.labels[videos[order]], order, videos[order]


def _video_numbers(submission: Submission, names: Sequence[str], test_set: TestSet) -> np.ndarray:
    key = video_key(test_set)
    known = {key(name): number for number, name in enumerate(test_set.videos)}
    keys = [key(name) for name in names]
    unknown = [name for name, key in zip(names, keys, strict=True) if key not in known]
    if unknown:
        near = suggest([unknown[0][:200]], test_set.videos) if len(unknown) < len(names) else f"'{unknown[0][:200]}'"
        raise AurlError(
            f"{submission.origin}: {len(unknown):,} of {len(names):,} videos are none of {test_set.label}: {near};"
            f" official names are like '{test_set.videos[0]}'"
        )
    _refuse_doubles(submission, keys)
    return np.array([known[key] for key in keys], np.int64)


def _refuse_doubles(submission: Submission, keys: Sequence[str]) -> None:
    double = [key for key, number in Counter(keys).items() if number > 1]
    if double:
        raise AurlError(
            f"{submission.origin}: {len(double):,} videos are there more than once: {_some(double)}; give one row each"
        )


def video_key(test_set: TestSet) -> Callable[[str], str]:
    """Choose what identifies the videos of a test set: their names, or with folders where names repeat."""
    names = test_set.videos
    return _key if len({_key(name) for name in names}) == len(names) else _path_key


def _path_key(name: str) -> str:
    """Reduce a video's path to what counts: no ending of a video file."""
    path = name.replace("\\", "/")
    return "/".join([*path.split("/")[:-1], _key(path)])


def _key(name: str) -> str:
    """Reduce a video's name to what counts: no folder, no ending of a video file."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, ending = last.rpartition(".")
    return stem if f"{dot}{ending}".lower() in VIDEO_ENDINGS else last


def _some(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:EXAMPLES]) + (" ..." if len(names) > EXAMPLES else "")


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)

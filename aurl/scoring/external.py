"""Evaluate the score files of a row from outside by an experiment's protocols: the stage `external`.

The videos, their labels and the classes are those of the manifest, so that the row is tested on exactly what the
experiment's own networks are tested on. The file may hold more videos and classes; they are left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from aurl.datasets.class_names import suggest
from aurl.datasets.table import iterate_usable
from aurl.evaluation.by_name import squeezed
from aurl.evaluation.draws import rank
from aurl.evaluation.external_file import ExternalRanks, write_ranks
from aurl.evaluation.feature_file import Features
from aurl.evaluation.metrics_file import write_metrics_of
from aurl.evaluation.named.base import Run
from aurl.evaluation.protocols.base import evaluate_all
from aurl.evaluation.test_sets import TestSet
from aurl.experiment.settings import ScoreFileSettings, Settings
from aurl.frames.store import frames_left_out
from aurl.pipeline.jobs import Job
from aurl.scoring.formats.base import ANY_SIZE, read_file
from aurl.scoring.matching import match, require, video_key
from aurl.scoring.submission import Submission
from aurl.semantics.classes import read_embeddings
from aurl.system.errors import AurlError
from aurl.system.files import check_declared


@dataclass(frozen=True)
class TestedFiles:
    """Name the files that say on which videos and classes an experiment tests."""

    manifest: Path
    broken: str
    embeddings: Path
    frames: Path


def experiment_test_set(name: str, label: str, files: TestedFiles) -> TestSet:
    """Describe a test set by the videos that an experiment tests on.

    These have frames, and their class has an embedding.

    Raises: AurlError for a damaged file.
    """
    classes = read_embeddings(files.embeddings).classes
    numbers, left_out = {of_class: number for number, of_class in enumerate(classes)}, frames_left_out(files.frames)
    rows = [row for row in iterate_usable(files.manifest, files.broken)
            if row["class"] in numbers and row["path"] not in left_out]  # fmt: skip
    videos = tuple(row["path"] for row in rows)
    labels = np.array([numbers[row["class"]] for row in rows], np.int64)
    return TestSet(name, label, tuple(classes), videos, labels, np.zeros((len(rows), 3), np.int8), tuple(classes))


def check_digest(settings: ScoreFileSettings, path: Path) -> None:
    """Check that a file is the declared one. Raises: AurlError if it is missing or another."""
    check_declared(path, settings.sha256, "scores", "bring it back", "aurl add-scores")


def read_outside(path: Path, test_set: TestSet, clips: int) -> Features:
    """Read a score file and match it to a test set by the names of videos and classes.

    Returns: features in the order of the test set, of `clips` clips; scores stand in the place of embeddings, with
        class embeddings of no dimension.
    Raises: AurlError for an unusable file, or one that lacks a video or a class.
    """
    submission = read_file(path, test_set, ANY_SIZE)
    if submission.predicted is not None:
        raise AurlError(f"{path}: predicted classes; a row of an experiment needs scores, for halves of the classes")
    if submission.videos is None:
        raise AurlError(f"{path}: no 'video' (the videos' names); a row of an experiment is compared video by video")
    matched = match(restricted(submission, test_set), test_set)
    try:
        require(matched, [Run("all", test_set.classes)])
    except AurlError as error:
        reason = str(error).partition("; give all")[0]
        raise AurlError(f"{reason}; a row needs all{unused(submission, test_set)}") from None
    labels, names = torch.from_numpy(matched.labels), list(test_set.classes)
    if matched.embeddings is not None:
        videos, classes = (torch.from_numpy(rows.astype(np.float32)) for rows in matched.embeddings)
    else:
        assert matched.scores is not None
        videos, classes = torch.from_numpy(matched.scores), torch.empty(len(names), 0)
    return Features({clips: videos}, labels, classes, names, list(test_set.videos))


def restricted(submission: Submission, test_set: TestSet) -> Submission:
    """Leave out the videos and classes that a test set does not hold."""
    assert submission.videos is not None
    rows = _places(submission.videos, test_set.videos, video_key(test_set))
    columns = _places(submission.classes, test_set.classes, squeezed)

    def taken(array: np.ndarray | None, *places: Sequence[int]) -> np.ndarray | None:
        return None if array is None else array[np.ix_(*places, *(range(size) for size in array.shape[len(places) :]))]

    return replace(
        submission,
        videos=[submission.videos[row] for row in rows],
        labels=None,  # the manifest's count
        classes=[submission.classes[column] for column in columns],
        scores=taken(submission.scores, rows, columns),
        video_embeddings=taken(submission.video_embeddings, rows),
        class_embeddings=taken(submission.class_embeddings, columns),
    )


def evaluate_row(
    files: Mapping[str, Path], tested: Mapping[str, TestSet], protocols: Mapping[str, Settings], clips: int,
    metrics: Path, ranks: Path,
) -> None:  # fmt: skip
    """Evaluate a row's score files, and write its metrics and ranks; both or neither.

    Args:
        files: dataset -> score file. tested: dataset -> its videos and classes here.
        clips: how many clips of a video the scores average, which names the rows.
    Raises: AurlError for an unusable file.
    """
    rows, ranked = {}, {}
    for dataset, path in files.items():
        features = read_outside(path, tested[dataset], clips)
        rows[dataset] = evaluate_all(features, protocols)
        everything = [np.arange(len(features.class_names))]
        order = rank(features.videos[clips], features.labels, features.classes, everything).ranks[:, 0]
        labels = features.labels.numpy()
        ranked[dataset] = ExternalRanks(order.numpy().astype(np.int64), labels, features.class_names, features.paths)
    write_ranks(ranks, ranked)
    write_metrics_of(metrics, rows)


def unused(submission: Submission, test_set: TestSet) -> str:
    """Name what a file holds and the experiment does not: perhaps a name in another spelling."""
    assert submission.videos is not None
    pairs = (("videos", submission.videos, test_set.videos, video_key(test_set)),
             ("classes", submission.classes, test_set.classes, squeezed))  # fmt: skip
    text = ""
    for what, names, known, key in pairs:
        used = set(_places(names, known, key))
        others = [name for place, name in enumerate(names) if place not in used]
        if others:
            example = suggest([others[0][:200]], known)
            text += f"; {what} in it that the experiment has not: {len(others):,}, such as {example}"
    return text


def _places(names: Sequence[str], known: Sequence[str], key: Callable[[str], str]) -> list[int]:
    keys = {key(name) for name in known}
    return [place for place, name in enumerate(names) if key(name) in keys]


def run(job: Job) -> None:
    """Run the stage `external`."""
    settings, inputs = job.settings, job.inputs
    row, sets, datasets = settings["external.{row}"], settings["report.test_sets"], settings["datasets"]
    here = {key: sets[key] for key in row.files if sets[key].dataset in inputs.manifests}
    for key in here:
        check_digest(row.files[key], inputs.scores[key])
    tested = {
        of.dataset: experiment_test_set(of.dataset, of.label, TestedFiles(
            inputs.manifests[of.dataset], datasets[of.dataset].broken, inputs.embeddings[of.dataset],
            inputs.frames[of.dataset],
        ))
        for of in here.values()
    }  # fmt: skip
    files = {of.dataset: inputs.scores[key] for key, of in here.items()}
    outputs = job.outputs
    evaluate_row(
        files, tested, settings["evaluation.protocols"], row.clips, outputs.external_metrics, outputs.external_hits
    )

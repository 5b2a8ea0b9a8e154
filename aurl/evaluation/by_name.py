"""Evaluate a protocol by name on an experiment's own test set, as far as its classes are there.

A protocol belongs to public test sets (`aurl.evaluation.test_sets`). An experiment's test set is one of these if all of
its class names are. Where it holds a part of the classes, a run is restricted to them, and rows say how many classes the
protocol has.
"""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aurl.datasets.class_names import spelling
from aurl.evaluation.draws import mean_row, measure, rank
from aurl.evaluation.feature_file import Features
from aurl.evaluation.named.base import Run
from aurl.evaluation.test_sets import TestSet, test_set

LISTED = "listed_classes"  # the column of how many classes the protocol has, all of them here or not


def evaluate(features: Features, module: ModuleType) -> Iterator[dict[str, Any]]:
    """Evaluate a protocol: a row for each clip count and each number of runs that are averaged.

    There are no rows where the classes are those of no test set of the protocol, or where a run counts single videos and
    the videos are not the official ones, or where a run has fewer than two classes here.
    """
    of = public_test_set(features.class_names, module.TEST_SETS)
    if of is None:
        return
    runs = module.runs(of)
    parts = [restrict(run, of, features) for run in runs]
    usable = [(draw, videos) for draw, videos in parts if videos is not None and len(draw) > 1]
    if len(usable) < len(runs):
        return
    listed = [len(run.classes) for run in runs]
    for clips, embeddings in features.videos.items():
        measured = measure_runs(embeddings, features, usable)
        for number in module.AVERAGES or (len(runs),):
            row = mean_row(clips, measured, slice(0, number))
            classes = round(float(np.mean(measured["classes"][:number])))
            yield row | {"classes": classes, LISTED: float(np.mean(listed[:number]))}


def public_test_set(class_names: list[str], candidates: tuple[str, ...]) -> TestSet | None:
    """Name the test set that holds all of these classes, or None."""
    names = {squeezed(name) for name in class_names}
    return next((of for of in map(test_set, candidates) if names <= set(map(squeezed, of.classes))), None)


def restrict(run: Run, of: TestSet, features: Features) -> tuple[np.ndarray, np.ndarray | None]:
    """Give the numbers of a run's classes that are here, and which videos count, bool (N,).

    The latter is None where the run counts single videos and these are not the official ones.
    """
    wanted = {squeezed(name) for name in run.classes}
    draw = np.flatnonzero([squeezed(name) in wanted for name in features.class_names])
    if run.videos is None:
        return draw, np.ones(len(features.paths), bool)
    counted = {stem(name): bool(mark) for name, mark in zip(of.videos, run.videos, strict=True)}
    names = [stem(path) for path in features.paths]
    known = all(name in counted for name in names)
    return draw, np.array([counted[name] for name in names], bool) if known else None


def measure_runs(
    embeddings: Tensor, features: Features, runs: list[tuple[np.ndarray, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Measure runs, each on the videos that it counts: name -> float64 (runs,).

    Runs that count the same videos are ranked together.
    """
    groups: dict[bytes, list[int]] = {}
    for number, (_, videos) in enumerate(runs):
        groups.setdefault(videos.tobytes(), []).append(number)
    values: dict[str, np.ndarray] = {}
    for numbers in groups.values():
        counted = torch.from_numpy(runs[numbers[0]][1])
        draws = [runs[number][0] for number in numbers]
        ranked = rank(embeddings[counted], features.labels[counted], features.classes, draws)
        for name, of_group in measure(ranked).items():
            values.setdefault(name, np.full(len(runs), np.nan))[numbers] = of_group
    return values


def squeezed(name: str) -> str:
    """Reduce a class name to what counts: no case, underscores or blanks."""
    return spelling(name).replace(" ", "")


def stem(path: str) -> str:
    """Reduce a video's path to its name without folder and ending."""
    return path.rsplit("/", 1)[-1].rsplit(".", 1)[0]

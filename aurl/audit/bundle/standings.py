"""Read the rows of a leaderboard from bundles, result cards and published numbers.

A row has a key that says exactly what was tested: the classes and videos of every draw. Rows of different keys are never
in one ranking.
"""

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aurl.audit.bundle.container import Container
from aurl.datasets.table import USABLE, iterate_usable
from aurl.evaluation.by_name import public_test_set, squeezed, stem
from aurl.evaluation.labels import row_labels
from aurl.evaluation.named import base as named
from aurl.evaluation.published import read_published
from aurl.evaluation.test_sets import WITH_VIDEOS, TestSet
from aurl.evaluation.tracks import track_of
from aurl.experiment.evaluation import DEFAULT_PROTOCOL
from aurl.experiment.external import OWN_TRACK
from aurl.experiment.read import parse_experiment, parse_yaml
from aurl.pipeline.jobs import Jobs
from aurl.semantics.classes import read_embeddings
from aurl.system.errors import AurlError, one_line
from aurl.system.shipped import PUBLISHED, packaged

HALF_SPLITS, ALL, HALVES = DEFAULT_PROTOCOL, "all_classes", "half_classes"
UNKNOWN_TRACK = "track not stated"
CARD = "a card: its numbers are as its author wrote them"


@dataclass(frozen=True)
class Group:
    """Name a ranking: test set, track, protocol, and the digest of what was tested."""

    test_set: str
    track: str
    protocol: str
    key: str


@dataclass(frozen=True)
class Standing:
    """Hold one row: top-1 in percent, with its interval or standard deviation.

    Attributes:
        kind: `bundle`, `card` or `published`. origin: the file, or the published source. mark: what was verified.
    """

    group: Group
    method: str
    kind: str
    origin: str
    mark: str
    top1: float
    interval: tuple[float, float] | None = None
    deviation: float | None = None
    seeds: int | None = None
    clips: int | None = None


def bundle_standings(container: Container, origin: str, mark: str) -> Iterator[Standing]:
    """Yield the rows of a verified bundle.

    Each variant, test set, clip count and protocol, averaged over seeds.
    """
    experiment = parse_experiment(parse_yaml(container.read("params.yaml"), "params.yaml"), "params.yaml")
    root = f"results/{experiment.experiment}"
    rows = ranked_rows(io.StringIO(container.read(f"{root}/metrics.csv").decode()))
    statistics, labels = container.json(f"{root}/statistics.json"), row_labels(experiment, packaged(PUBLISHED))
    tested = {
        name: VideoSet.read(container, root, name, experiment.datasets[name].broken)
        for name in dict.fromkeys(row["dataset"] for row in rows)
    }
    cells: dict[tuple[str, str, str, int, int], list[float]] = {}
    for row in rows:
        protocol = row.get("protocol") or HALF_SPLITS
        cell = row["variant"], row["dataset"], protocol, int(row["clips"]), int(row["splits"])
        cells.setdefault(cell, []).append(float(row["top1"]))
    for (variant, dataset, protocol, clips, splits), values in cells.items():
        outside = experiment.external.get(variant)
        group = tested[dataset].group(track_of(experiment, variant), protocol, splits)
        interval = _interval(statistics, variant, dataset, clips) if (protocol, splits) == (HALF_SPLITS, 1) else None
        mean, deviation = over_seeds(values)
        yield Standing(group, labels.get(variant, variant), "bundle", origin, mark, mean, interval,
                       deviation, None if outside else len(values), clips)  # fmt: skip


@dataclass(frozen=True)
class VideoSet:
    """Hold a test set of an experiment.

    A public one if it has all of its classes and videos, else one of its own.
    """

    name: str
    classes: list[str]
    videos: list[str]
    digests: list[str]

    @classmethod
    def read(cls, container: Container, root: str, dataset: str, broken: str) -> "VideoSet":
        """Read it from the manifest and the list of classes."""
        listed = csv.DictReader(io.StringIO(container.read("lists/classes.csv").decode()))
        classes = [row["class"] for row in listed if row["dataset"] == dataset]
        manifest = csv.DictReader(io.StringIO(container.read(f"{root}/manifests/{dataset}.csv").decode()))
        rows = [row for row in manifest if row["status"] in USABLE[broken] and row["class"] in set(classes)]
        return cls(dataset, classes, [row["path"] for row in rows], [row["sha256"] for row in rows])

    @classmethod
    def of_experiment(cls, jobs: Jobs, dataset: str) -> "VideoSet":
        """Read it from the files of the working folder. Raises: AurlError for a damaged one."""
        classes = read_embeddings(jobs.paths.of("embeddings", dataset=dataset)).classes
        manifest, broken = jobs.paths.of("manifest", dataset=dataset), jobs.experiment.datasets[dataset].broken
        rows = [row for row in iterate_usable(manifest, broken) if row["class"] in set(classes)]
        return cls(dataset, classes, [row["path"] for row in rows], [row["sha256"] for row in rows])

    def group(self, track: str, protocol: str, splits: int) -> Group:
        """Name the ranking that a row belongs to."""
        public = self.public()
        if public is not None:
            name = {HALF_SPLITS: ALL if splits == 1 else HALVES}.get(protocol, protocol)
            if name in named.protocol_names():
                return public_group(public, track, name, splits)
        facts = [self.classes, sorted(zip(self.videos, self.digests, strict=True)), protocol, splits]
        key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        return Group(self.name, track, _words(protocol, splits, len(self.classes)), key)

    def public(self) -> TestSet | None:
        """Return the public test set that this one is, all of it."""
        of = public_test_set(self.classes, WITH_VIDEOS)
        if of is None or set(map(squeezed, of.classes)) != set(map(squeezed, self.classes)):
            return None
        return of if set(map(stem, of.videos)) == set(map(stem, self.videos)) else None


def public_group(of: TestSet, track: str, name: str, runs: int) -> Group:
    """Name the ranking of a named protocol on a public test set, as result cards do."""
    module = named.load(name)
    listed = module.runs(of)
    averaged = listed[:runs] if module.AVERAGES else listed
    words = module.LABEL if len(averaged) == 1 else f"{module.LABEL}, mean of {len(averaged)} draws"
    return Group(of.label, track, words, named.digest(averaged, of))


def card_standings(path: Path) -> Iterator[Standing]:
    """Yield the rows of a result card of `aurl score --card`.

    Raises: AurlError for another file.
    """
    content = path.read_bytes()
    try:
        before, head, _ = content.decode().split("---\n", 2)
        if before:
            raise ValueError("no YAML head")
        raw = parse_yaml(head.encode(), str(path))
        track = raw["aurl"]["track"]
        for model in raw["model-index"]:
            yield from (_card_row(model["name"], entry, str(track), path.name) for entry in model["results"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        reason = one_line(f"{type(error).__name__}: {error}")
        raise AurlError(f"{path}: no result card ({reason}); 'aurl score --card' writes one") from None


def published_standings(groups: Sequence[Group], path: Path | None = None) -> Iterator[Standing]:
    """Yield the published rows of each ranking on a public test set.

    The published 3-split rows are left out: they probably use the official video lists.
    """
    halves = named.load(HALVES).LABEL
    protocols = {1: named.load(ALL).LABEL, **{n: f"{halves}, mean of {n} draws" for n in (10, 50)}}
    source = packaged(PUBLISHED) if path is None else path
    sources = _published_sources(source)
    for group in groups:
        if group.track != OWN_TRACK:
            continue
        for row in [*read_published("sota", source), *read_published("ablation", source)]:
            value = row.value(group.test_set, "top1")
            if value is not None and row.splits is not None and protocols.get(row.splits) == group.protocol:
                method = f"{row.method}{'*' * row.starred}"
                yield Standing(
                    group, method, "published", sources.get(row.method, ""), "published, not verified", value
                )


def _card_row(name: Any, entry: Any, track: str, origin: str) -> Standing:
    dataset, metric = entry["dataset"], entry["metrics"][0]
    protocol, _, draws = str(dataset["split"]).partition(",")
    runs = int(draws.split()[0])
    label = named.load(protocol).LABEL if protocol in named.protocol_names() else protocol
    group = Group(
        str(dataset["name"]), UNKNOWN_TRACK if track == "not stated" else track,
        str(dataset.get("protocol") or (label if runs == 1 else f"{label}, mean of {runs} draws")), str(dataset["revision"]),
    )  # fmt: skip
    interval = tuple(map(float, metric["interval"])) if "interval" in metric else None
    value = float(metric["value"])
    if metric["name"] != "top-1" or not 0 <= value <= 100 or (interval is not None and len(interval) != 2):
        raise ValueError("its first metric is no top-1 in percent")
    return Standing(group, str(name), "card", origin, CARD, value, interval, metric.get("standard_deviation"))


def _published_sources(path: Path) -> dict[str, str]:
    with path.open(newline="") as handle:
        return {row["method"]: row["source"] for row in csv.DictReader(handle)}


def _interval(statistics: Any, variant: str, dataset: str, clips: int) -> tuple[float, float] | None:
    try:
        top1 = statistics["variants"][variant][dataset][f"clips{clips}"]["top1"]
        return float(top1["low"]), float(top1["high"])
    except (KeyError, TypeError, ValueError):
        return None


def ranked_rows(metrics: Iterable[str]) -> list[dict[str, str]]:
    """Read the rows of metrics.csv that can be ranked: generalised recognition has no top-1."""
    return [row for row in csv.DictReader(metrics) if row["top1"]]


def over_seeds(values: Sequence[float]) -> tuple[float, float | None]:
    """Compute mean and standard deviation (n - 1) over seeds; no deviation for one seed."""
    mean = sum(values) / len(values)
    if len(values) == 1:
        return mean, None
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _words(protocol: str, splits: int, classes: int) -> str:
    if protocol == HALF_SPLITS:
        return f"all {classes} classes" if splits == 1 else f"half of {classes} classes, mean of {splits} draws"
    return f"{protocol}, {splits} draw{'s' * (splits != 1)}"

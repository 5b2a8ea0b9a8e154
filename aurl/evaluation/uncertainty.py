"""Compute intervals of the accuracies, and paired tests of the ablation (docs/statistics.md).

Half-class splits overlap: they are not independent samples, so no interval is taken over them.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from statsmodels.stats.multitest import multipletests

from aurl.evaluation.comparison import Rows, comparisons, conclusion, paired_test, published_pairs
from aurl.evaluation.external_file import read_ranks
from aurl.evaluation.feature_file import read_features
from aurl.evaluation.metrics import PART, class_scores, hits
from aurl.evaluation.published import published_methods
from aurl.evaluation.resampling import percentiles, resample
from aurl.experiment.settings import StatisticsSettings
from aurl.pipeline.jobs import Job
from aurl.system.errors import AurlError
from aurl.system.json_files import write_json
from aurl.system.progress import track

RANKS = (1, 5)
Cell = tuple[str, int, str]  # variant, seed, dataset
Tested = tuple[Path, list[str], list[str], list[int]]  # file, paths of videos, names of classes, labels


@dataclass(frozen=True)
class TestSet:
    """Hold a test set's labels (N,), and the hits: (variant, clips, rank) -> bool (seeds, N).

    `outside` maps rows from outside to their clips; each has one row of hits.
    """

    labels: np.ndarray
    hits: dict[tuple[str, int, int], np.ndarray]
    outside: Mapping[str, int] = field(default_factory=dict)

    @property
    def variants(self) -> list[str]:
        """List the variants that were tested, in the order of the experiment."""
        return list(dict.fromkeys(variant for variant, _, _ in self.hits))

    def clips_of(self, variant: str) -> list[int]:
        """List the clip counts that a variant was tested with."""
        return list(dict.fromkeys(clips for name, clips, _ in self.hits if name == variant))

    def pair(self, variant: str, against: str, clips: int) -> tuple[np.ndarray, np.ndarray]:
        """Give the top-1 hits of two variants, bool (seeds, N) each.

        A row from outside is the same for every seed.
        """
        ours, theirs = (self.hits[name, self.outside.get(name, clips), 1] for name in (variant, against))
        ours, theirs = np.broadcast_arrays(ours, theirs)
        return ours, theirs


def write_statistics(
    features: Mapping[Cell, Path], clips: int, settings: StatisticsSettings, rows: Rows, output: Path,
    outside: Mapping[str, tuple[Path, int]] | None = None,
) -> None:  # fmt: skip
    """Write means over seeds with their intervals, and the paired tests of the ablation.

    Args:
        features: the features file of every cell; of the same seeds for every variant.
        clips: the clip count of the ablation table.
        rows: what each variant is compared with.
        outside: row from outside -> file of its ranks, and its clips.
    Raises: AurlError for a damaged file, or where two files of a test set hold other videos.
    """
    test_sets = read_test_sets(features, outside or {})
    variants: dict[str, dict[str, Any]] = defaultdict(dict)
    for dataset, test_set in test_sets.items():
        for variant in test_set.variants:
            variants[variant][dataset] = summarise(test_set, variant, settings)
    content = {
        "confidence": settings.confidence,
        "resamples": settings.resamples,
        "seed": settings.seed,
        "seeds": sorted({seed for _, seed, _ in features}),
        "variants": variants,
        "paired": compare(test_sets, clips, settings, rows),
        "order": compare_order(test_sets, clips, settings, rows),
    }
    write_json(output, content)


def read_test_sets(
    features: Mapping[Cell, Path], outside: Mapping[str, tuple[Path, int]] = MappingProxyType({})
) -> dict[str, TestSet]:
    """Read every test set with the hits of every network on it, by the same rule as evaluation."""
    first: dict[str, Tested] = {}
    hits_of: dict[str, dict[tuple[str, int, int], list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for (variant, _, dataset), path in track(features.items(), "statistics", "files", len(features)):
        read = read_features(path)
        _check_same(first, dataset, (path, read.paths, read.class_names, read.labels.tolist()))
        for clips, videos in read.videos.items():
            parts = []
            for part, labels in zip(videos.split(PART), read.labels.split(PART), strict=True):
                similarity = class_scores(part, read.classes)
                parts.append(np.stack([hits(similarity, labels, rank).numpy() for rank in RANKS]))
            for rank, right in zip(RANKS, np.concatenate(parts, axis=1), strict=True):
                hits_of[dataset][variant, clips, rank].append(right)
    for row, (path, clips) in outside.items():
        for dataset, ranked in read_ranks(path).items():
            _check_same(first, dataset, (path, ranked.paths, ranked.class_names, ranked.labels.tolist()))
            for rank in RANKS:
                hits_of[dataset][row, clips, rank].append(ranked.ranks < rank)
    alone = {row: clips for row, (_, clips) in outside.items()}
    return {
        dataset: TestSet(np.array(first[dataset][-1]), {key: np.stack(rows) for key, rows in by_key.items()}, alone)
        for dataset, by_key in hits_of.items()
    }


def _check_same(first: dict[str, Tested], dataset: str, tested: Tested) -> None:
    """Check that a file is of the same videos and classes as the first of its test set. Raises: AurlError."""
    reference, *known = first.setdefault(dataset, tested)
    if known != list(tested[1:]):
        raise AurlError(
            f"{tested[0]}: not the videos and classes of {reference}; delete both and run 'snakemake' again"
        )


def summarise(test_set: TestSet, variant: str, settings: StatisticsSettings) -> dict[str, Any]:
    """Summarise a variant: `clips<n>` -> top1, top5, class_top1 with mean, std, intervals in percent."""
    labels = test_set.labels
    summary: dict[str, Any] = {"videos": len(labels), "classes": len(np.unique(labels))}
    for clips in test_set.clips_of(variant):
        top1, top5 = (test_set.hits[variant, clips, rank] for rank in RANKS)
        summary[f"clips{clips}"] = {
            **_accuracies(top1, labels, settings, "top1", "class_top1"),
            **_accuracies(top5, labels, settings, "top5"),
        }
    return summary


def compare(
    test_sets: Mapping[str, TestSet], clips: int, settings: StatisticsSettings, rows: Rows
) -> list[dict[str, Any]]:
    """Run the paired tests of top-1, corrected for their number by Holm's method."""
    entries: list[dict[str, Any]] = []
    tests, intervals = [], []
    for dataset, test_set in test_sets.items():
        for variant, against in comparisons(test_set.variants, rows):
            ours, theirs = test_set.pair(variant, against, clips)
            differences = ours.astype(np.int8) - theirs.astype(np.int8)
            draws = resample(differences, test_set.labels, settings.resamples, settings.seed).over_videos
            tests.append(paired_test(ours, theirs, settings.confidence, variant in test_set.outside))
            intervals.append(percentiles(100 * draws, settings.confidence))
            own = test_set.outside.get(variant, clips)
            entries.append(
                {"variant": variant, "against": against, "dataset": dataset, "clips": own, "seeds": len(ours)}
            )
    corrected = multipletests([test.p for test in tests], method="holm")[1] if tests else []
    return [
        {
            **entry,
            "difference": _rounded(test.difference),
            "low": _rounded(interval[0]),
            "high": _rounded(interval[1]),
            "p": _significant(test.p),
            "p_corrected": _significant(p_corrected),
            "test": test.test,
            "sentence": conclusion(test, interval, p_corrected, len(tests), entry["seeds"], settings.confidence),
        }
        for entry, test, interval, p_corrected in zip(entries, tests, intervals, corrected, strict=True)
    ]


def compare_order(
    test_sets: Mapping[str, TestSet], clips: int, settings: StatisticsSettings, rows: Rows
) -> list[dict[str, Any]]:
    """Test top-1 of every two published variants, corrected for their number by Holm's method."""
    pairs = [
        (dataset, variant, against)
        for dataset, test_set in test_sets.items()
        for variant, against in published_pairs(test_set.variants, rows)
    ]
    hits_of = {dataset: test_set.hits for dataset, test_set in test_sets.items()}
    tests = [
        paired_test(hits_of[dataset][variant, clips, 1], hits_of[dataset][against, clips, 1], settings.confidence)
        for dataset, variant, against in pairs
    ]
    corrected = multipletests([test.p for test in tests], method="holm")[1] if tests else []
    return [
        {
            "variant": variant,
            "against": against,
            "dataset": dataset,
            "difference": _rounded(test.difference),
            "p_corrected": _significant(p_corrected),
            "test": test.test,
        }
        for (dataset, variant, against), test, p_corrected in zip(pairs, tests, corrected, strict=True)
    ]


def _accuracies(
    hit: np.ndarray, labels: np.ndarray, settings: StatisticsSettings, over_videos: str, over_classes: str | None = None
) -> dict[str, dict[str, float | None]]:
    """Summarise the accuracy over videos and, if it has a name, the one over classes."""
    draws, fixed = (
        resample(hit, labels, settings.resamples, settings.seed, fixed_classes) for fixed_classes in (False, True)
    )
    summary = {over_videos: _summary(hit.mean(axis=1), draws.over_videos, fixed.over_videos, settings.confidence)}
    if over_classes is not None:
        by_class = np.stack([hit[:, labels == label].mean(axis=1) for label in np.unique(labels)])
        summary[over_classes] = _summary(
            by_class.mean(axis=0), draws.over_classes, fixed.over_classes, settings.confidence
        )
    return summary


def _summary(seeds: np.ndarray, draws: np.ndarray, fixed: np.ndarray, confidence: float) -> dict[str, float | None]:
    """Summarise fractions: those of seeds, and of resamples with drawn and with fixed classes."""
    low, high = percentiles(100 * draws, confidence)
    fixed_low, fixed_high = percentiles(100 * fixed, confidence)
    return {
        "mean": _rounded(100 * seeds.mean()),
        "std": _rounded(100 * seeds.std(ddof=1)) if len(seeds) > 1 else None,
        "low": _rounded(low),
        "high": _rounded(high),
        "fixed_low": _rounded(fixed_low),
        "fixed_high": _rounded(fixed_high),
    }


def _rounded(value: float) -> float:
    return round(float(value), 6)


def _significant(p: float) -> float:
    """Round to six significant digits: a p value may be far below 1e-6."""
    return float(f"{p:.6g}")


def run(job: Job) -> None:
    """Run the stage `statistics`."""
    settings = job.settings
    clips = settings["report.ablation_clips"]
    methods = tuple(published_methods(job.inputs.published["published_results"]))
    rows = Rows(methods, settings["report.proposed"], settings["report.baseline"])
    external = settings["external"]
    if taken := [name for name in external if name in methods]:
        raise AurlError(f"external.{taken[0]}: a published row of the ablation has this name; give the row another one")
    outside = {row: (path, external[row].clips) for row, path in job.inputs.external.items()}
    write_statistics(
        job.inputs.features, clips, settings["evaluation.statistics"], rows, job.outputs.statistics, outside
    )

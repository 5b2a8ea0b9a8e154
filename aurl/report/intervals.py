"""Read intervals and paired tests from `statistics.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from aurl.system.text_files import rerun_hint, unreadable


@dataclass(frozen=True)
class Interval:
    """Top-1 in percent: mean and std over seeds, the interval with classes drawn anew, and that with fixed classes."""

    mean: float
    std: float | None
    low: float
    high: float
    fixed_low: float
    fixed_high: float

    @property
    def has_width(self) -> bool:
        """Say whether the resamples differ; where no video, or every one, is right, they cannot."""
        return self.low < self.high


@dataclass(frozen=True)
class Comparison:
    """A paired test: the difference in points with its interval, p, and the conclusion."""

    variant: str
    against: str
    dataset: str
    clips: int
    difference: float
    low: float
    high: float
    p: float
    p_corrected: float
    test: str
    seeds: int
    sentence: str


@dataclass(frozen=True)
class OrderTest:
    """A paired test of two published variants: difference in points, corrected p."""

    variant: str
    against: str
    dataset: str
    difference: float
    p_corrected: float
    test: str


class Statistics:
    """The statistics of an experiment; empty where nothing was measured.

    `intervals` maps (variant, dataset, clips) to top-1 over all classes, `sizes` (variant, dataset) to the numbers of
    videos and classes. `order` has the tests of every two published variants.
    """

    def __init__(self, path: Path) -> None:
        """Read `statistics.json`. Raises: AurlError for a damaged file."""
        self.intervals: dict[tuple[str, str, int], Interval] = {}
        self.sizes: dict[tuple[str, str], tuple[int, int]] = {}
        try:
            raw = json.loads(path.read_text())
            self.confidence, self.resamples = float(raw["confidence"]), int(raw["resamples"])
            self.seed, self.seeds = int(raw["seed"]), list(raw["seeds"])
            for variant, by_dataset in raw["variants"].items():
                for dataset, cell in by_dataset.items():
                    self.sizes[variant, dataset] = (int(cell["videos"]), int(cell["classes"]))
                    for key in (key for key in cell if key.startswith("clips")):
                        top1 = TypeAdapter(Interval).validate_python(cell[key]["top1"])
                        self.intervals[variant, dataset, int(key.removeprefix("clips"))] = top1
            self.comparisons = TypeAdapter(list[Comparison]).validate_python(raw["paired"])
            self.order = TypeAdapter(list[OrderTest]).validate_python(raw["order"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise unreadable(path, error, rerun_hint(path)) from None

    def interval(self, variant: str, dataset: str, clips: int) -> Interval | None:
        """Return the interval of top-1 on all classes, or None where it was not measured."""
        return self.intervals.get((variant, dataset, clips))

    def notes(self) -> list[str]:
        """Explain the intervals, where there are any."""
        if not self.intervals:
            return []
        notes = [
            f"[low, high] is the {100 * self.confidence:g} % interval of top-1 on all classes, from {self.resamples}"
            " resamples. Each resample draws seeds, then classes, then videos within the classes. csv also has the"
            " interval for fixed classes. With few seeds the interval is too narrow, and with one seed it says nothing"
            " about another training. Half-class splits overlap, so they are not samples and have no interval"
            " (docs/statistics.md)."
        ]
        if not all(top1.has_width for top1 in self.intervals.values()):
            notes.append(
                "A value without an interval: no video or every video was right, and then all resamples are alike."
            )
        return notes

    def paired_notes(self, methods: Mapping[str, str], test_sets: Mapping[str, str]) -> list[str]:
        """Write the paired tests as sentences.

        Args:
            methods: variant -> label. test_sets: dataset -> label; other datasets are left out.
        """
        shown = [test for test in self.comparisons if test.dataset in test_sets]
        if not shown:
            return []
        head = (
            "Paired tests of top-1, each row against the row above it on the same videos: the difference in points with"
            f" its interval, and p corrected for {len(self.comparisons)} comparisons (Holm; the intervals are not"
            " corrected)."
        )
        return [head, *(_sentence(test, methods, test_sets[test.dataset]) for test in shown)]


def _sentence(test: Comparison, methods: Mapping[str, str], test_set: str) -> str:
    method, other = (methods.get(name, name) for name in (test.variant, test.against))
    difference = f"{test.difference:+.1f} [{test.low:+.1f}, {test.high:+.1f}]"
    return f"{method} against {other}, {test_set}: {difference}, p {test.p_corrected:.2g}. {test.sentence}"

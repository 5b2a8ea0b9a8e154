"""Read intervals and paired tests from `statistics.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aurl.system.text_files import rerun_hint, unreadable


@dataclass(frozen=True)
class Interval:
    """The interval of an accuracy in percent: with classes drawn anew, and with fixed classes."""

    low: float
    high: float
    fixed_low: float
    fixed_high: float


@dataclass(frozen=True)
class Comparison:
    """A paired test: the difference in points with its interval, the corrected p, and the conclusion."""

    variant: str
    against: str
    dataset: str
    difference: float
    low: float
    high: float
    p_corrected: float
    sentence: str


class Statistics:
    """The statistics of an experiment; empty where nothing was measured."""

    def __init__(self, path: Path) -> None:
        """Read `statistics.json`. Raises: AurlError for a damaged file."""
        try:
            raw = json.loads(path.read_text())
            self.confidence, self.resamples = float(raw["confidence"]), int(raw["resamples"])
            self._intervals = {
                (variant, dataset, key): _interval(cell["top1"])
                for variant, by_dataset in raw["variants"].items()
                for dataset, cells in by_dataset.items()
                for key, cell in cells.items()
                if key.startswith("clips")
            }
            self.comparisons = [Comparison(**{key: entry[key] for key in _FIELDS}) for entry in raw["paired"]]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise unreadable(path, error, rerun_hint(path)) from None

    def interval(self, variant: str, dataset: str, clips: int) -> Interval | None:
        """Return the interval of top-1 on all classes, or None where it was not measured."""
        return self._intervals.get((variant, dataset, f"clips{clips}"))

    def notes(self) -> list[str]:
        """Explain the intervals, where there are any."""
        if not self._intervals:
            return []
        return [
            f"[low, high] is the {100 * self.confidence:g} % interval of top-1 on all classes, from {self.resamples}"
            " resamples. Each resample draws seeds, then classes, then videos within the classes. csv also has the"
            " interval for fixed classes. With few seeds the interval is too narrow, and with one seed it says nothing"
            " about another training. Half-class splits overlap, so they are not samples and have no interval"
            " (docs/statistics.md)."
        ]

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


_FIELDS = tuple(Comparison.__dataclass_fields__)


def _sentence(test: Comparison, methods: Mapping[str, str], test_set: str) -> str:
    method, other = (methods.get(name, name) for name in (test.variant, test.against))
    difference = f"{test.difference:+.1f} [{test.low:+.1f}, {test.high:+.1f}]"
    return f"{method} against {other}, {test_set}: {difference}, p {test.p_corrected:.2g}. {test.sentence}"


def _interval(top1: dict[str, Any]) -> Interval:
    return Interval(*(float(top1[key]) for key in Interval.__dataclass_fields__))

"""`statistics.json`, as tables read it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aurl.system.text_files import made_again, unreadable


@dataclass(frozen=True)
class Interval:
    """The interval of an accuracy in percent, with classes drawn anew and with fixed ones."""

    low: float
    high: float
    fixed_low: float
    fixed_high: float


@dataclass(frozen=True)
class Comparison:
    """A paired test: the difference in points with its interval, the corrected p, and what can be concluded."""

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
        """Raises: AurlError for a damaged file."""
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
            raise unreadable(path, error, made_again(path)) from None

    def interval(self, variant: str, dataset: str, clips: int) -> Interval | None:
        """Of top-1 on all classes, or None where it was not measured."""
        return self._intervals.get((variant, dataset, f"clips{clips}"))

    def notes(self) -> list[str]:
        """What the intervals are, where there are any."""
        if not self._intervals:
            return []
        return [
            f"[low, high] is the {100 * self.confidence:g} % interval of top-1 on all classes, from {self.resamples}"
            " resamples that draw seeds, then classes, then videos within classes anew; csv also has the one for fixed"
            " classes. Few seeds make it too narrow, and one seed says nothing about another training. Half-class splits"
            " overlap and are no samples: they have no interval (docs/statistics.md)."
        ]

    def paired_notes(self, methods: dict[str, str], test_sets: dict[str, str]) -> list[str]:
        """The comparisons in words.

        Args:
            methods: variant -> its row's name. test_sets: dataset -> its column's name; others are left out.
        """
        told = [entry for entry in self.comparisons if entry.dataset in test_sets]
        lines = []
        for entry in told:
            method, other = (methods.get(name, name) for name in (entry.variant, entry.against))
            interval = f"{entry.difference:+.1f} [{entry.low:+.1f}, {entry.high:+.1f}]"
            lines.append(
                f"{method} against {other}, {test_sets[entry.dataset]}: {interval}, p {entry.p_corrected:.2g}."
                f" {entry.sentence}"
            )
        head = (
            "Paired tests of top-1, each row against the row above it on the same videos: points with their interval, p"
            f" corrected for {len(self.comparisons)} comparisons (Holm; the intervals are not corrected)."
        )
        return [head, *lines] if told else []


_FIELDS = tuple(Comparison.__dataclass_fields__)


def _interval(top1: dict[str, Any]) -> Interval:
    return Interval(*(float(top1[key]) for key in Interval.__dataclass_fields__))

"""Hold the result of a method under every protocol, and compare two."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from aurl.evaluation.resampling import percentiles, resample
from aurl.scoring.ranks import Hits
from aurl.system.errors import AurlError

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES, SEED, CONFIDENCE = 2000, 0, 0.95
Interval = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """Hold the accuracies under one protocol, in percent, averaged over its runs.

    Standard deviations are over the runs, with n in the denominator as in metrics.csv. A row of one run has intervals
    instead (docs/statistics.md); of runs that share videos none is taken.
    """

    protocol: str
    label: str
    runs: int
    classes: int
    videos: float
    top1: float
    top5: float | None
    class_top1: float
    top1_std: float | None
    class_top1_std: float | None
    intervals: dict[str, Interval]
    digest: str


@dataclass(frozen=True)
class Comparison:
    """Hold the difference to another method in points of top-1.

    With one run: the interval, and p of McNemar's exact test over videos. With several: of how many runs the first
    method is the better.
    """

    protocol: str
    label: str
    runs: int
    difference: float
    interval: Interval | None
    p: float | None
    better_runs: int


@dataclass(frozen=True)
class Result:
    """Hold what a submission gives on a test set.

    Args:
        identified: whether the videos were matched by their names.
        geometry: closeness, dispersion, hub_skewness, for embeddings.
        notes: what to know about the rows, a sentence each.
    """

    origin: str
    test_set: str
    test_set_label: str
    test_set_digest: str
    identified: bool
    videos: int
    rows: list[Row]
    geometry: dict[str, float]
    notes: list[str]
    _hits: dict[str, list[Hits]] = field(repr=False)
    _labels: np.ndarray = field(repr=False)
    _order: np.ndarray | None = field(repr=False)

    @property
    def intervals(self) -> dict[str, dict[str, Interval]]:
        """Map protocols of one run to the 95 % intervals of their accuracies, in percent."""
        return {row.protocol: row.intervals for row in self.rows if row.intervals}

    def table(self) -> "pd.DataFrame":
        """Give the rows as a table, an interval in two columns (`top1_low`, `top1_high`)."""
        import pandas as pd

        rows = []
        for row in self.rows:
            flat = asdict(row)
            for name, (low, high) in flat.pop("intervals").items():
                flat |= {f"{name}_low": low, f"{name}_high": high}
            rows.append(flat)
        return pd.DataFrame(rows)

    def as_json(self) -> dict[str, Any]:
        """Give all values as plain types."""
        return {
            "origin": self.origin,
            "test_set": {"name": self.test_set, "label": self.test_set_label, "digest": self.test_set_digest},
            "videos_identified": self.identified,
            "videos": self.videos,
            "protocols": [asdict(row) for row in self.rows],
            "geometry": self.geometry,
            "notes": self.notes,
            "intervals": {"confidence": CONFIDENCE, "resamples": RESAMPLES, "seed": SEED},
        }

    def compare(self, other: "Result") -> list[Comparison]:
        """Compare with another method on the same videos, protocol by protocol.

        Raises: AurlError where the videos of either are not identified, or differ.
        """
        if self._order is None or other._order is None:
            unknown = self if self._order is None else other
            raise AurlError(f"{unknown.origin}: a paired test needs to know each video; give their names as 'video'")
        if self.test_set != other.test_set or not np.array_equal(self._order, other._order):
            raise AurlError(f"{other.origin}: not the videos of {self.origin}; a paired test needs the same ones")
        return [_compare(row, self._hits[row.protocol], other._hits[row.protocol], self._labels)
                for row in self.rows if row.protocol in other._hits]  # fmt: skip


def make_row(name: str, label: str, digest: str, hits: Sequence[Hits], labels: np.ndarray) -> Row:
    """Summarise the runs of a protocol."""
    top1 = [run.accuracy(run.top1) for run in hits]
    top5 = [run.accuracy(run.top5) for run in hits if run.top5 is not None]
    by_class = [run.class_mean(labels) for run in hits]
    several = len(hits) > 1
    return Row(
        protocol=name,
        label=label,
        runs=len(hits),
        classes=len(np.unique(labels[hits[0].inside])),
        videos=float(np.mean([run.inside.sum() for run in hits])),
        top1=float(np.mean(top1)),
        top5=float(np.mean(top5)) if top5 else None,
        class_top1=float(np.mean(by_class)),
        top1_std=float(np.std(top1)) if several else None,
        class_top1_std=float(np.std(by_class)) if several else None,
        intervals={} if several else intervals_of(hits[0], labels),
        digest=digest,
    )


def intervals_of(hits: Hits, labels: np.ndarray) -> dict[str, Interval]:
    """Compute 95 % intervals by drawing classes and videos anew (docs/statistics.md), in percent."""
    inside = hits.inside
    draws = resample(hits.top1[None, inside].astype(np.int8), labels[inside], RESAMPLES, SEED)
    intervals = {
        "top1": percentiles(100 * draws.over_videos, CONFIDENCE),
        "class_top1": percentiles(100 * draws.over_classes, CONFIDENCE),
    }
    if hits.top5 is not None:
        draws = resample(hits.top5[None, inside].astype(np.int8), labels[inside], RESAMPLES, SEED)
        intervals["top5"] = percentiles(100 * draws.over_videos, CONFIDENCE)
    return intervals


def _compare(row: Row, ours: Sequence[Hits], theirs: Sequence[Hits], labels: np.ndarray) -> Comparison:
    pairs = list(zip(ours[: row.runs], theirs, strict=False))
    differences = [one.accuracy(one.top1) - other.accuracy(other.top1) for one, other in pairs]
    interval = p = None
    if len(pairs) == 1:
        from aurl.evaluation.comparison import paired_test  # here: scipy and statsmodels take a second

        inside = ours[0].inside
        one, other = (hits.top1[None, inside] for hits in pairs[0])
        p = paired_test(one, other, CONFIDENCE).p
        draws = resample(one.astype(np.int8) - other.astype(np.int8), labels[inside], RESAMPLES, SEED)
        interval = percentiles(100 * draws.over_videos, CONFIDENCE)
    better = sum(difference > 0 for difference in differences)
    return Comparison(row.protocol, row.label, row.runs, float(np.mean(differences)), interval, p, better)

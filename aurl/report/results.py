"""Read measured values for tables and figures."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from aurl.evaluation import schema
from aurl.system.text_files import read_csv, rerun_hint

LISTED = "listed_classes"  # the column of how many classes a protocol by name has


@dataclass(frozen=True)
class Measured:
    """A value over seeds.

    Attributes:
        mean, std: over seeds; std has ddof 1, and is None for one seed.
        seeds: the number of seeds.
        origin: (variant, dataset) of a value from `metrics.csv`; None for one from elsewhere.
    """

    mean: float
    std: float | None
    seeds: int
    origin: tuple[str, str] | None = None


@dataclass(frozen=True)
class Tested:
    """Top-1 under a protocol: over how many classes, and how many classes the protocol lists (None: as many)."""

    top1: Measured
    classes: float
    listed: float | None


class Results:
    """The values of `metrics.csv`, one cell at a time."""

    def __init__(self, metrics: Path) -> None:
        """Read `metrics.csv`. Raises: AurlError for a damaged file, or another one."""
        types = {column.name: column.kind for column in (*schema.KEY, *schema.value_columns())}
        table = read_csv(metrics, schema.required_names(), rerun_hint(metrics), dtype=types)
        default = table.get(schema.PROTOCOL, schema.DEFAULT_PROTOCOL) == schema.DEFAULT_PROTOCOL
        self._all = table
        self._table = table[default] if schema.PROTOCOL in table else table

    @property
    def seeds(self) -> int:
        """Count the seeds."""
        return int(self._table["seed"].nunique())

    def cell(self, variant: str, dataset: str, clips: int, splits: int, metric: str) -> Measured | None:
        """Return a metric over seeds, or None where it was not measured (closeness of scores, say)."""
        if metric not in self._table:
            return None
        keys = {"variant": variant, "dataset": dataset, "clips": clips, "splits": splits}
        rows = self._table.loc[(self._table[list(keys)] == pd.Series(keys)).all(axis=1), metric]
        return _over_seeds(rows, (variant, dataset))

    def other_protocols(self) -> list[tuple[str, int]]:
        """List the protocols beside the default one, each with its numbers of draws, sorted."""
        if schema.PROTOCOL not in self._all:
            return []
        rows = self._all[self._all[schema.PROTOCOL] != schema.DEFAULT_PROTOCOL]
        return sorted(set(zip(rows[schema.PROTOCOL], rows["splits"].tolist(), strict=True)))

    def has(self, protocol: str, variant: str) -> bool:
        """Say whether a variant was measured by a protocol that is not the default one."""
        return bool(((self._all[schema.PROTOCOL] == protocol) & (self._all["variant"] == variant)).any())

    def tested(self, variant: str, dataset: str, clips: int, splits: int, protocol: str) -> Tested | None:
        """Return top-1 over seeds under a protocol that is not the default one, or None where it was not measured."""
        keys = {"variant": variant, "dataset": dataset, "clips": clips, "splits": splits, schema.PROTOCOL: protocol}
        rows = self._all.loc[(self._all[list(keys)] == pd.Series(keys)).all(axis=1)]
        top1 = _over_seeds(rows["top1"], (variant, dataset))
        if top1 is None:
            return None
        listed = rows[LISTED].dropna().tolist() if LISTED in rows else []
        return Tested(top1, float(rows["classes"].iloc[0]), listed[0] if listed else None)

    def splits(self, variant: str) -> list[int]:
        """List the numbers of splits that a variant was tested on, sorted."""
        return sorted(self._table.loc[self._table["variant"] == variant, "splits"].unique().tolist())

    def counts(self, dataset: str) -> tuple[int, int] | None:
        """Count the videos and classes of a test set, or return None where it was not tested on."""
        rows = self._table[(self._table["dataset"] == dataset) & (self._table["splits"] == 1)]
        if rows.empty:
            return None
        return int(rows["videos"].iloc[0]), int(rows["classes"].iloc[0])


def _over_seeds(values: "pd.Series[float]", origin: tuple[str, str]) -> Measured | None:
    """Summarise the values of the seeds; None where there are none."""
    if values.isna().all():
        return None
    return Measured(float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None, len(values), origin)

"""Read measured values for tables and figures."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from aurl.evaluation import schema
from aurl.system.text_files import read_csv, rerun_hint


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


class Results:
    """The values of `metrics.csv`, one cell at a time."""

    def __init__(self, metrics: Path) -> None:
        """Read `metrics.csv`. Raises: AurlError for a damaged file, or another one."""
        types = {column.name: column.kind for column in (*schema.KEY, *schema.value_columns())}
        table = read_csv(metrics, list(types), rerun_hint(metrics), dtype=types)
        default = table.get(schema.PROTOCOL, schema.DEFAULT_PROTOCOL) == schema.DEFAULT_PROTOCOL
        self._table = table[default] if schema.PROTOCOL in table else table

    @property
    def seeds(self) -> int:
        """Count the seeds."""
        return int(self._table["seed"].nunique())

    def cell(self, variant: str, dataset: str, clips: int, splits: int, metric: str) -> Measured | None:
        """Return a metric over seeds, or None where it was not measured."""
        keys = {"variant": variant, "dataset": dataset, "clips": clips, "splits": splits}
        rows = self._table.loc[(self._table[list(keys)] == pd.Series(keys)).all(axis=1), metric]
        if rows.empty:
            return None
        std = float(rows.std(ddof=1)) if len(rows) > 1 else None
        return Measured(float(rows.mean()), std, len(rows), (variant, dataset))

    def counts(self, dataset: str) -> tuple[int, int] | None:
        """Count the videos and classes of a test set, or return None where it was not tested on."""
        rows = self._table[(self._table["dataset"] == dataset) & (self._table["splits"] == 1)]
        if rows.empty:
            return None
        return int(rows["videos"].iloc[0]), int(rows["classes"].iloc[0])

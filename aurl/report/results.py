"""Measured and published values, as tables and figures read them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from aurl.paths import PUBLISHED


@dataclass(frozen=True)
class Measured:
    """Mean over seeds, standard deviation over seeds (ddof 1; None for one seed), and how many seeds."""

    mean: float
    std: float | None
    seeds: int


class Results:
    """`metrics.csv`, asked for one cell at a time."""

    def __init__(self, metrics: Path) -> None:
        self._table = pd.read_csv(metrics)

    @property
    def seeds(self) -> int:
        """How many seeds were run."""
        return int(self._table["seed"].nunique())

    def cell(self, variant: str, dataset: str, clips: int, splits: int, metric: str) -> Measured | None:
        """A metric over seeds, or None where it was not measured."""
        keys = {"variant": variant, "dataset": dataset, "clips": clips, "splits": splits}
        rows = self._table.loc[(self._table[list(keys)] == pd.Series(keys)).all(axis=1), metric]
        if rows.empty:
            return None
        return Measured(float(rows.mean()), float(rows.std(ddof=1)) if len(rows) > 1 else None, len(rows))

    def counts(self, dataset: str) -> tuple[int, int] | None:
        """Videos and classes that were tested on, over all classes; None where nothing was."""
        rows = self._table[(self._table["dataset"] == dataset) & (self._table["splits"] == 1)]
        if rows.empty:
            return None
        return int(rows["videos"].iloc[0]), int(rows["classes"].iloc[0])


def read_published(table: str, path: Path = PUBLISHED) -> pd.DataFrame:
    """The rows of one of the poster's tables; an unknown cell is missing, never filled."""
    rows = pd.read_csv(path, dtype={"variant": str, "test_splits": str, "ucf101_train": str, "hmdb51_train": str})
    return rows[rows["table"] == table].reset_index(drop=True)

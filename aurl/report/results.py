"""Measured and published values, as tables and figures read them."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from aurl.evaluation import schema
from aurl.system.shipped import PUBLISHED
from aurl.system.text_files import made_again, read_csv

PUBLISHED_TEXT = ["table", "method", "variant", "test_splits", "starred", "ucf101_train", "hmdb51_train", "source"]
PUBLISHED_NUMBERS = ["ucf101_top1", "hmdb51_top1", "closeness", "dispersion"]


@dataclass(frozen=True)
class Measured:
    """Mean over seeds, standard deviation over seeds (ddof 1; None for one seed), and how many seeds.

    `origin` is the variant and the dataset of a value from `metrics.csv`.
    """

    mean: float
    std: float | None
    seeds: int
    origin: tuple[str, str] | None = None


class Results:
    """`metrics.csv`, asked for one cell at a time."""

    def __init__(self, metrics: Path) -> None:
        """Raises: AurlError for a damaged file, or one that is not `metrics.csv`."""
        types = {column.name: column.kind for column in (*schema.KEY, *schema.value_columns())}
        table = read_csv(metrics, list(types), made_again(metrics), dtype=types)
        default = table.get(schema.PROTOCOL, schema.DEFAULT_PROTOCOL) == schema.DEFAULT_PROTOCOL
        self._table = table[default] if schema.PROTOCOL in table else table

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
        std = float(rows.std(ddof=1)) if len(rows) > 1 else None
        return Measured(float(rows.mean()), std, len(rows), (variant, dataset))

    def counts(self, dataset: str) -> tuple[int, int] | None:
        """Videos and classes that were tested on, over all classes; None where nothing was."""
        rows = self._table[(self._table["dataset"] == dataset) & (self._table["splits"] == 1)]
        if rows.empty:
            return None
        return int(rows["videos"].iloc[0]), int(rows["classes"].iloc[0])


def read_published(table: str, path: Path = PUBLISHED) -> pd.DataFrame:
    """The rows of one of the poster's tables; an unknown cell is missing, never filled.

    Raises: AurlError for a damaged file, or one with other columns.
    """
    types = {**dict.fromkeys(PUBLISHED_TEXT, str), **dict.fromkeys(PUBLISHED_NUMBERS, float)}
    rows = read_csv(path, list(types), "restore it from git", dtype=types)
    return rows[rows["table"] == table].reset_index(drop=True)

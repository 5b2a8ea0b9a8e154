"""Declare the columns of `metrics.csv`, with their order, types and meaning; the only place.

A row is one network (variant, seed) on one test set (dataset), with so many clips of each video, averaged over so many
draws of classes (`splits`). The values are the measures (`aurl.evaluation.measures`, one file each) and two counts.
Column names and order are a contract with other tools: a new column comes after the others.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

from aurl.experiment.settings import DEFAULT_PROTOCOL as DEFAULT_PROTOCOL
from aurl.system import plugins

MEASURES = "aurl.evaluation.measures"
FIRST = ("top1", "top5", "class_top1", "closeness", "dispersion")  # measures whose columns come before the counts
PROTOCOL = "protocol"  # the last column; absent where all rows are of the default protocol


@dataclass(frozen=True)
class Column:
    """Describe a column: its name and type, and for a measure which direction is better."""

    name: str
    kind: type
    better: Literal["larger", "smaller"] | None = None


KEY = (
    Column("variant", str), Column("seed", int), Column("dataset", str), Column("clips", int), Column("splits", int),
)  # fmt: skip
COUNTS = (Column("videos", float), Column("classes", int))  # both are means over the draws
KEY_NAMES = [column.name for column in KEY]


def measures() -> dict[str, ModuleType]:
    """Load every measure, in the order of its columns. Imports no torch."""
    others = [name for name in plugins.names(MEASURES) if name not in FIRST]
    return {name: plugins.load(MEASURES, name) for name in (*FIRST, *others)}


def from_scores(measure: ModuleType) -> bool:
    """Say whether a measure needs scores alone, and no embeddings."""
    return measure.UNIT == "%" or bool(getattr(measure, "FROM_SCORES", False))


def value_columns() -> list[Column]:
    """List the columns after the key: measures (and their deviation over draws), counts, newer measures."""
    columns: dict[bool, list[Column]] = {True: [], False: []}
    for name, measure in measures().items():
        columns[name in FIRST].append(Column(name, float, measure.BETTER))
        if measure.SPREAD:
            columns[name in FIRST].append(Column(f"{name}_std", float))
    return [*columns[True], *COUNTS, *columns[False]]


def required_names() -> list[str]:
    """Name the columns that every `metrics.csv` has, however old: those before the newer measures."""
    newer = {name for name in measures() if name not in FIRST}
    return [*KEY_NAMES, *(name for name in value_names() if name.removesuffix("_std") not in newer)]


def value_names() -> list[str]:
    """Name the columns after the key."""
    return [column.name for column in value_columns()]


def order(names: Iterable[str]) -> list[str]:
    """Sort columns of `metrics.csv`: the known ones, those that only one protocol writes, and `protocol`."""
    known, given = [*KEY_NAMES, *value_names()], list(dict.fromkeys(names))
    others = sorted(name for name in given if name not in known and name != PROTOCOL)
    return [*known, *others, *([PROTOCOL] if PROTOCOL in given else [])]


def quantities(names: Iterable[str]) -> list[str]:
    """Choose the columns that measure a network: neither key nor count, and no deviation over draws."""
    rest = {*KEY_NAMES, PROTOCOL, *(column.name for column in value_columns() if column.better is None)}
    return [name for name in order(names) if name not in rest]

"""Prepare tables for the page: each entry with the number it sorts by and a link to its lineage."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from aurl.report.intervals import Statistics
from aurl.report.table_formats import LONGEST_LINE
from aurl.report.tables.base import Table

NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?(?:e-?\d+)?)(?: (?:[±\[(]|to ).*)?")  # "+1.2", "44.4 ± 0.3 [..]", "1 to 2"
Link = Callable[[tuple[str, str]], str | None]  # (variant, dataset) -> the id of its lineage on the page


@dataclass(frozen=True)
class Entry:
    """One entry of a table: its text, the number that it sorts by, the id on the page that it links to."""

    text: str
    value: float | None = None
    link: str | None = None


@dataclass(frozen=True)
class Grid:
    """A table of the page.

    Attributes:
        kinds: one for each column; columns of numbers sort as numbers, long texts get a wide column.
        copies: name of a format -> the same table in it.
        title: the heading above the table.
        stage: the stage from whose result every number follows, where there is one.
    """

    name: str
    caption: str
    columns: list[str]
    kinds: list[Literal["text", "number", "long"]]
    rows: list[list[Entry]]
    notes: list[str]
    copies: dict[str, str] = field(default_factory=dict)
    title: str = ""
    stage: str | None = None


def grid_of_table(name: str, table: Table, link: Link, others: str | None, copies: dict[str, str]) -> Grid:
    """Prepare one of the tables; measured values link to their lineage.

    Args:
        others: the id that measured values link to which are not from metrics.csv (the authors' predictions).
    """
    shown = table.display()
    rows = []
    for number, texts in enumerate(shown.itertuples(index=False)):
        row = []
        for column, text in zip(shown.columns, texts, strict=True):
            cells = table.quantities.get(column)
            measured = cells[number].measured if cells else None
            if measured is None:
                row.append(Entry(str(text)))
            else:
                target = others if measured.origin is None else link(measured.origin)
                row.append(Entry(str(text), measured.mean, target))
        rows.append(row)
    grid = make_grid(name, table.caption, list(shown.columns), rows, table.notes, table.title)
    return replace(grid, copies=copies, stage=table.stage)


def make_grid(
    name: str, caption: str, columns: list[str], rows: list[list[Entry]], notes: list[str], title: str = ""
) -> Grid:
    """Make a grid; a column is one of numbers if all its entries are numbers or empty."""
    kinds = [_kind([row[position].text for row in rows if row[position].text]) for position in range(len(columns))]
    valued = [[_valued(entry, kind) for entry, kind in zip(row, kinds, strict=True)] for row in rows]
    return Grid(name, caption, columns, kinds, valued, notes, title=title or caption)


def statistics_grids(
    statistics: Statistics, labels: Mapping[str, str], test_sets: Mapping[str, str], link: Link
) -> tuple[list[Grid], list[str]]:
    """Prepare the intervals and the paired tests, and the sentences of the tests.

    Args:
        labels: variant -> label. test_sets: dataset -> label. Others have their own names.
    """
    sentences = [
        f"{labels.get(test.variant, test.variant)} against {labels.get(test.against, test.against)} on"
        f" {test_sets.get(test.dataset, test.dataset)}: {test.sentence}"
        for test in statistics.comparisons
    ]
    parts = (statistics, f"{100 * statistics.confidence:g} %", labels, test_sets, link)
    return [_interval_grid(*parts), _paired_grid(*parts)], sentences


def _interval_grid(
    statistics: Statistics, percent: str, labels: Mapping[str, str], test_sets: Mapping[str, str], link: Link
) -> Grid:
    order = dict(zip(labels, range(len(labels)), strict=True))
    rows = []
    for cell in sorted(statistics.intervals, key=lambda cell: order.get(cell[0], len(order))):
        (variant, dataset, clips), top1 = cell, statistics.intervals[cell]
        target = link((variant, dataset))
        rows.append([
            Entry(labels.get(variant, variant)), Entry(test_sets.get(dataset, dataset)), Entry(str(clips)),
            _number(top1.mean, target), _number(top1.std, target), _range(top1.low, top1.high, target),
            _range(top1.fixed_low, top1.fixed_high, target), *(Entry(str(n)) for n in statistics.sizes[variant, dataset]),
        ])  # fmt: skip
    seeds = ", ".join(map(str, statistics.seeds))
    note = f"{statistics.resamples} resamples with seed {statistics.seed}; seeds of the experiment: {seeds}."
    columns = [
        "Method", "Test set", "Clips", "Top-1 mean", "Std", f"{percent} interval", f"{percent}, fixed classes",
        "Videos", "Classes",
    ]  # fmt: skip
    return make_grid("intervals", f"Top-1 with {percent} intervals", columns, rows, [note], "Intervals")


def _paired_grid(
    statistics: Statistics, percent: str, labels: Mapping[str, str], test_sets: Mapping[str, str], link: Link
) -> Grid:
    rows = []
    for test in statistics.comparisons:
        target = link((test.variant, test.dataset))
        rows.append([
            Entry(labels.get(test.variant, test.variant)), Entry(labels.get(test.against, test.against)),
            Entry(test_sets.get(test.dataset, test.dataset)), Entry(str(test.clips)),
            _number(test.difference, target, "+"), _range(test.low, test.high, target),
            Entry(f"{test.p:g}", test.p, target), Entry(f"{test.p_corrected:g}", test.p_corrected, target),
            Entry(test.test), Entry(str(test.seeds)),
        ])  # fmt: skip
    columns = [
        "Method", "Against", "Test set", "Clips", "Difference", f"{percent} interval", "p", "p corrected", "Test",
        "Seeds",
    ]  # fmt: skip
    caption = "Each variant against the row above it, on the same videos"
    return make_grid("paired", caption, columns, rows, [], "Paired tests")


def _kind(texts: list[str]) -> Literal["text", "number", "long"]:
    if texts and all(NUMBER.fullmatch(text) for text in texts):
        return "number"
    return "long" if max(map(len, texts), default=0) > LONGEST_LINE else "text"


def _valued(entry: Entry, kind: str) -> Entry:
    match = NUMBER.fullmatch(entry.text)
    if kind != "number" or entry.value is not None or match is None:
        return entry
    return Entry(entry.text, float(match[1]), entry.link)


def _number(value: float | None, link: str | None, sign: str = "") -> Entry:
    return Entry("") if value is None else Entry(f"{value:{sign}.1f}", value, link)


def _range(low: float, high: float, link: str | None) -> Entry:
    return Entry(f"{low:.1f} to {high:.1f}", low, link)

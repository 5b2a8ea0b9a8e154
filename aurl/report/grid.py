"""Prepare tables for the page: each entry with the number it sorts by and a link to its lineage."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from aurl.report.best import best_rows, measured, published
from aurl.report.intervals import Statistics
from aurl.report.table_formats import LONGEST_LINE
from aurl.report.tables.base import Cell, Table

NUMBER = re.compile(
    r"(?:< )?([+-]?\d+(?:\.\d+)?(?:e-?\d+)?)(?: (?:[±\[(]|to ).*)?"
)  # "+1.2", "44.4 ± 0.3 [..]", "1 to 2"
MOST_ROWS = 18  # of a table that stands open on the page
Kind = Literal["text", "number", "long", "mark"]
Link = Callable[[tuple[str, str]], str | None]  # (variant, dataset) -> the id of its lineage on the page


@dataclass(frozen=True)
class Entry:
    """One entry of a table: its text, the number that it sorts by, the id on the page that it links to.

    Below the text stand the bounds of an interval and the paper's value; `best` and `best_paper` set them in bold.
    """

    text: str
    value: float | None = None
    link: str | None = None
    bounds: str = ""
    paper: str = ""
    best: bool = False
    best_paper: bool = False


@dataclass(frozen=True)
class Grid:
    """A table of the page.

    Attributes:
        caption: how to read the table; may be empty.
        kinds: one for each column; columns of numbers sort as numbers, long texts are folded.
        copies: name of a format -> the same table in it.
        title: the heading above the table.
        stage: the stage from whose result every number follows, where there is one.
    """

    name: str
    caption: str
    columns: list[str]
    kinds: list[Kind]
    rows: list[list[Entry]]
    notes: list[str]
    copies: dict[str, str] = field(default_factory=dict)
    title: str = ""
    stage: str | None = None

    @property
    def folded(self) -> bool:
        """Say whether the page shows the table on demand, because it is long."""
        return len(self.rows) > MOST_ROWS


def grid_of_table(name: str, table: Table, link: Link, others: str | None, copies: dict[str, str]) -> Grid:
    """Prepare one of the tables; measured values link to their lineage.

    Args:
        others: the id that measured values link to which are not from metrics.csv (the authors' predictions).
    """
    texts = {title: [Entry(text) for text in column] for title, column in table.texts().items()}
    names = sorted(table.quantities, key=lambda title: title not in table.intervals)  # top-1 first
    quantities = {title: _quantity(table, title, link, others) for title in names}
    columns = {**{title: texts[title] for title in _keys(table)}, **quantities, **texts}
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    grid = make_grid(name, _caption(table), list(columns), rows, table.notes, table.title or table.caption)
    kinds: list[Kind] = [
        "mark" if title in table.marks else kind for title, kind in zip(columns, grid.kinds, strict=True)
    ]
    return replace(grid, copies=copies, stage=table.stage, kinds=kinds)


def _keys(table: Table) -> list[str]:
    """List the text columns that say what a row is; the others follow the numbers."""
    titles = [title for title in table.text if title not in table.marks]
    last = max((titles.index(title) for title in ("Method", table.within) if title in titles), default=len(titles))
    return titles[: last + 1]


def _quantity(table: Table, title: str, link: Link, others: str | None) -> list[Entry]:
    """Make a column of a quantity: ours, its interval below it, then the paper's value."""
    cells = table.quantities[title]
    ours, papers = best_rows(table, title, measured), best_rows(table, title, published)

    def entry(row: int, cell: Cell) -> Entry:
        value, target = None, None
        if cell.measured is not None:
            value = cell.measured.mean
            target = others if cell.measured.origin is None else link(cell.measured.origin)
        paper = cell.paper(table.differences)
        return Entry(cell.ours(), value, target, cell.bounds(), paper, row in ours, row in papers)

    return [entry(*numbered) for numbered in enumerate(cells)]


def _caption(table: Table) -> str:
    """Say how to read the cells of a table."""
    cells = [cell for column in table.quantities.values() for cell in column]
    parts = {
        "± is the standard deviation over seeds": any(
            cell.measured and cell.measured.std is not None for cell in cells
        ),
        "[low, high] is an interval (see the notes)": any(cell.bounds() for cell in cells),
        "“paper” is the published value": any(cell.published is not None for cell in cells),
        "bold is the best": any(
            best_rows(table, name, value) for name in table.quantities for value in (measured, published)
        ),
    }
    said = "; ".join(part for part, holds in parts.items() if holds)
    return f"{said[0].upper()}{said[1:]}." if said else ""


def make_grid(
    name: str, caption: str, columns: list[str], rows: list[list[Entry]], notes: list[str], title: str = ""
) -> Grid:
    """Make a grid; a column is one of numbers if all its entries are numbers or empty."""
    kinds: list[Kind] = [
        _kind([row[position].text for row in rows if row[position].text]) for position in range(len(columns))
    ]
    valued = [[_valued(entry, kind) for entry, kind in zip(row, kinds, strict=True)] for row in rows]
    return Grid(name, caption, columns, kinds, valued, notes, title=title or caption)


def common_notes(grids: Sequence[Grid], elsewhere: Sequence[str]) -> tuple[list[Grid], list[str]]:
    """Take the notes out of the tables that several of them have, and return these notes once.

    Args:
        elsewhere: notes that the page shows at another place: they are left out.
    """
    counts = Counter(note for grid in grids for note in dict.fromkeys(grid.notes))
    common = {note for note, count in counts.items() if count > 1} | {*elsewhere}
    left = [replace(grid, notes=[note for note in grid.notes if note not in common]) for grid in grids]
    return left, [note for note in counts if note in common and note not in elsewhere]


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
            Entry(test_sets.get(test.dataset, test.dataset)),
            _number(test.difference, target, "+"), _range(test.low, test.high, target),
            Entry(_p(test.p), test.p, target), Entry(_p(test.p_corrected), test.p_corrected, target),
            Entry(str(test.seeds)), Entry(str(test.clips)), Entry(test.test),
        ])  # fmt: skip
    columns = [
        "Method", "Against", "Test set", "Difference", f"{percent} interval", "p", "p corrected", "Seeds", "Clips",
        "Test",
    ]  # fmt: skip
    caption = "Each variant against the row above it, on the same videos"
    return make_grid("paired", caption, columns, rows, [], "Paired tests")


def _kind(texts: list[str]) -> Kind:
    if texts and all(NUMBER.fullmatch(text) for text in texts):
        return "number"
    return "long" if max(map(len, texts), default=0) > LONGEST_LINE else "text"


def _valued(entry: Entry, kind: str) -> Entry:
    match = NUMBER.fullmatch(entry.text)
    if kind != "number" or entry.value is not None or match is None:
        return entry
    return replace(entry, value=float(match[1]))


def _number(value: float | None, link: str | None, sign: str = "") -> Entry:
    return Entry("") if value is None else Entry(f"{value:{sign}.1f}", value, link)


def _p(value: float) -> str:
    """Write a p with two digits, or the least that is worth writing."""
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}"


def _range(low: float, high: float, link: str | None) -> Entry:
    return Entry(f"{low:.1f} to {high:.1f}" if low < high else "none", low, link)

"""Prepare tables for the page: each entry with the number it sorts by and a link to its lineage."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from aurl.report.table_formats import LONGEST_LINE
from aurl.report.tables.base import Table
from aurl.system.text_files import rerun_hint, unreadable

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
    path: Path, labels: Mapping[str, str], test_sets: Mapping[str, str], link: Link
) -> tuple[list[Grid], list[str]]:
    """Prepare the intervals and paired tests of `statistics.json`, and the sentences of the tests.

    Args:
        labels: variant -> label. test_sets: dataset -> label; another dataset has its own name.
    Raises: AurlError for a damaged file.
    """
    try:
        raw = json.loads(path.read_text())
        percent = f"{100 * raw['confidence']:g} %"
        grids = [
            _interval_grid(raw, percent, labels, test_sets, link), _paired_grid(raw, percent, labels, test_sets, link)
        ]  # fmt: skip
        sentences = [
            f"{labels.get(test['variant'], test['variant'])} against {labels.get(test['against'], test['against'])} on"
            f" {test_sets.get(test['dataset'], test['dataset'])}: {test['sentence']}"
            for test in raw["paired"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(path, error, rerun_hint(path)) from None
    return grids, sentences


def _interval_grid(raw: Any, percent: str, labels: Mapping[str, str], test_sets: Mapping[str, str], link: Link) -> Grid:
    rows = []
    order = [*(name for name in labels if name in raw["variants"]), *(raw["variants"].keys() - labels.keys())]
    for variant in order:
        for dataset, entry in raw["variants"][variant].items():
            for clips in (key for key in entry if key.startswith("clips")):
                top1, target = entry[clips]["top1"], link((variant, dataset))
                rows.append([
                    Entry(labels.get(variant, variant)), Entry(test_sets.get(dataset, dataset)),
                    Entry(clips.removeprefix("clips")), _number(top1["mean"], target), _number(top1["std"], target),
                    _range(top1["low"], top1["high"], target), _range(top1["fixed_low"], top1["fixed_high"], target),
                    Entry(str(entry["videos"])), Entry(str(entry["classes"])),
                ])  # fmt: skip
    seeds = ", ".join(map(str, raw["seeds"]))
    note = f"{raw['resamples']} resamples with seed {raw['seed']}; seeds of the experiment: {seeds}."
    columns = [
        "Method", "Test set", "Clips", "Top-1 mean", "Std", f"{percent} interval", f"{percent}, fixed classes",
        "Videos", "Classes",
    ]  # fmt: skip
    return make_grid("intervals", f"Top-1 with {percent} intervals", columns, rows, [note], "Intervals")


def _paired_grid(raw: Any, percent: str, labels: Mapping[str, str], test_sets: Mapping[str, str], link: Link) -> Grid:
    rows = []
    for test in raw["paired"]:
        target = link((test["variant"], test["dataset"]))
        rows.append([
            Entry(labels.get(test["variant"], test["variant"])), Entry(labels.get(test["against"], test["against"])),
            Entry(test_sets.get(test["dataset"], test["dataset"])), Entry(str(test["clips"])),
            _number(test["difference"], target, "+"), _range(test["low"], test["high"], target),
            Entry(f"{test['p']:g}", test["p"], target), Entry(f"{test['p_corrected']:g}", test["p_corrected"], target),
            Entry(test["test"]), Entry(str(test["seeds"])),
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


def _range(low: float | None, high: float | None, link: str | None) -> Entry:
    return Entry("") if low is None or high is None else Entry(f"{low:.1f} to {high:.1f}", low, link)

"""Tables for a page: each entry with what it sorts by and where its lineage stands."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aurl.report.tables import LONGEST_LINE, Table
from aurl.system.text_files import made_again, unreadable

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
    """A table of a page; `kinds` of columns; `copies` holds the same table in other formats, by format."""

    name: str
    caption: str
    columns: list[str]
    kinds: list[Literal["text", "number", "long"]]
    rows: list[list[Entry]]
    notes: list[str]
    copies: dict[str, str] = field(default_factory=dict)


def grid_of_table(name: str, table: Table, link: Link, others: str | None, copies: dict[str, str]) -> Grid:
    """The entries of one of the paper's tables; measured ones link to their lineage.

    Args:
        others: where a measured value links to that is not from metrics.csv (the authors' predictions).
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
    return make_grid(name, table.caption, list(shown.columns), rows, table.notes, copies)


def make_grid(
    name: str, caption: str, columns: list[str], rows: list[list[Entry]], notes: list[str],
    copies: dict[str, str] | None = None,
) -> Grid:  # fmt: skip
    """A grid whose columns of numbers sort as numbers; empty entries stand in any column."""
    kinds = [_kind([row[position].text for row in rows if row[position].text]) for position in range(len(columns))]
    valued = [[_valued(entry, kind) for entry, kind in zip(row, kinds, strict=True)] for row in rows]
    return Grid(name, caption, columns, kinds, valued, notes, copies or {})


def statistics_grids(path: Path, methods: Mapping[str, str], link: Link) -> tuple[list[Grid], list[str]]:
    """Intervals and paired tests of `statistics.json`, and the plain sentences of the tests.

    Raises: AurlError for a damaged file.
    """
    try:
        raw = json.loads(path.read_text())
        percent = f"{100 * raw['confidence']:g} %"
        intervals, paired, sentences = [], [], []
        order = [*(name for name in methods if name in raw["variants"]), *(raw["variants"].keys() - methods.keys())]
        for variant in order:
            for dataset, entry in raw["variants"][variant].items():
                for clips in (key for key in entry if key.startswith("clips")):
                    top1, target = entry[clips]["top1"], link((variant, dataset))
                    intervals.append([
                        Entry(methods.get(variant, variant)), Entry(dataset), Entry(clips.removeprefix("clips")),
                        _number(top1["mean"], target), _number(top1["std"], target),
                        _range(top1["low"], top1["high"], target),
                        _range(top1["fixed_low"], top1["fixed_high"], target),
                        Entry(str(entry["videos"])), Entry(str(entry["classes"])),
                    ])  # fmt: skip
        for test in raw["paired"]:
            target = link((test["variant"], test["dataset"]))
            paired.append([
                Entry(methods.get(test["variant"], test["variant"])),
                Entry(methods.get(test["against"], test["against"])), Entry(test["dataset"]), Entry(str(test["clips"])),
                _number(test["difference"], target, "+"), _range(test["low"], test["high"], target),
                Entry(f"{test['p']:g}", test["p"], target), Entry(f"{test['p_corrected']:g}", test["p_corrected"], target),
                Entry(test["test"]), Entry(str(test["seeds"])),
            ])  # fmt: skip
            sentences.append(
                f"{paired[-1][0].text} against {paired[-1][1].text} on {test['dataset']}: {test['sentence']}"
            )
        note = f"{raw['resamples']} resamples with seed {raw['seed']}; seeds of the experiment:"
        note = f"{note} {', '.join(map(str, raw['seeds']))}."
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(path, error, made_again(path)) from None
    columns = ["Method", "Test set", "Clips", "Top-1 mean", "Std", f"{percent} interval", f"{percent}, fixed classes"]
    grids = [
        make_grid("intervals", f"Top-1 with {percent} intervals", [*columns, "Videos", "Classes"], intervals, [note]),
        make_grid(
            "paired",
            "Each variant against the row above it, on the same videos",
            ["Method", "Against", "Test set", "Clips", "Difference", f"{percent} interval", "p", "p corrected", "Test",
             "Seeds"],
            paired,
            [],
        ),
    ]  # fmt: skip
    return grids, sentences


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

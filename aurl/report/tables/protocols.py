"""Make the table of protocols side by side: half classes, those by name, and generalised recognition.

Top-1 of every row under each, with `report.sota_clips` clips; H of generalised recognition with `report.ablation_clips`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from aurl.evaluation.labels import counted
from aurl.evaluation.schema import DEFAULT_PROTOCOL, GENERALISED
from aurl.report.results import Tested
from aurl.report.tables.base import Best, Cell, Sources, Table

TITLE = "Other protocols"
SHOWN = {DEFAULT_PROTOCOL: "half classes", GENERALISED: "generalised, H"}


@dataclass(frozen=True)
class Row:
    """A row: the protocol, how many draws it averages, and the variant or row from outside."""

    protocol: str
    splits: int
    variant: str


def make_table(sources: Sources) -> Table:
    """Make a row for each protocol and variant that was measured by it; no rows where all is of half classes."""
    rows, test_sets = list(_rows(sources)), list(sources.report.test_sets.values())
    tested = {test_set.label: [_tested(sources, row, test_set.dataset) for row in rows] for test_set in test_sets}
    text = {
        "Protocol": [SHOWN.get(row.protocol, row.protocol) for row in rows],
        "Draws": [str(row.splits) for row in rows],
        "Method": [sources.labels[row.variant] for row in rows],
        **sources.tracks(row.variant for row in rows),
        **{f"{label} classes": [_classes(cell) for cell in cells] for label, cells in tested.items()},
    }
    quantities = {f"{label} top-1": [Cell(cell.top1 if cell else None, None, 1) for cell in cells]
                  for label, cells in tested.items()}  # fmt: skip
    best: dict[str, Best] = dict.fromkeys(quantities, "highest")
    title = f"{sources.report.title}: other protocols"
    return Table(title, text, quantities, _notes(sources, rows), False, best=best, within="Protocol")


def _rows(sources: Sources) -> Iterator[Row]:
    """List the protocols; half classes come first, by their largest number of draws, where there is another one."""
    results = sources.results
    protocols = results.other_protocols()
    if any(results.has(GENERALISED, name) for name in sources.labels):
        protocols.append((GENERALISED, 1))
    draws = max((number for name in sources.labels for number in results.splits(name)), default=1)
    if protocols and draws > 1:
        protocols.insert(0, (DEFAULT_PROTOCOL, draws))
    for protocol, splits in protocols:
        yield from (Row(protocol, splits, name) for name in sources.labels if results.has(protocol, name))


def _tested(sources: Sources, row: Row, dataset: str) -> Tested | None:
    clips = sources.clips(row.variant, sources.report.sota_clips)
    if row.protocol == GENERALISED:
        together = sources.results.together(row.variant, dataset, sources.report.ablation_clips)
        if together is None:
            return None
        return Tested(together.harmonic, together.classes, together.classes + together.left_out)
    return sources.results.tested(row.variant, dataset, clips, row.splits, row.protocol)


def _classes(cell: Tested | None) -> str:
    """Write how many classes were candidates: "34", or "27 of 34" where the test set holds a part of them."""
    if cell is None:
        return ""
    return f"{cell.classes:g}" if cell.listed in (None, cell.classes) else f"{cell.classes:g} of {cell.listed:g}"


def _notes(sources: Sources, rows: list[Row]) -> list[str]:
    if not rows:
        return ["Every number of this experiment is of all classes or of half classes: see the other tables."]
    return [
        f"{counted(sources.report.sota_clips, 'clip')} a video. docs/protocols.md says what each protocol by name tests, and"
        " who uses it. 'a of b' classes: the test set here holds a of the protocol's b classes, so the number does not"
        " compare with published ones. The mean over draws has no interval: draws share videos.",
        f"{SHOWN[DEFAULT_PROTOCOL]}: random halves of the classes that are here.",
        *_about_generalised(sources, rows),
        *sources.notes,
    ]


def _about_generalised(sources: Sources, rows: list[Row]) -> list[str]:
    if not any(row.protocol == GENERALISED for row in rows):
        return []
    return [
        f"{SHOWN[GENERALISED]}: no top-1, but the harmonic mean of the class accuracies of seen and unseen classes, which"
        f" are candidates together, with {counted(sources.report.ablation_clips, 'clip')} a video. The table of generalised"
        " recognition says more, and which test classes it leaves out ('a of b')."
    ]

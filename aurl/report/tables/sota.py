"""Make the comparison with other methods: half-class splits and all classes, with `report.sota_clips` clips."""

from aurl.evaluation.labels import counted
from aurl.evaluation.published import PublishedRow, read_published
from aurl.experiment.settings import TestSetSettings
from aurl.report.tables.base import Cell, Sources, Table

TITLE = "Comparison with other methods"
THREE_SPLITS_NOTE = (
    "The published 3-split rows of other methods probably use all classes on the three official video lists (assumed)."
    " That is another protocol than half of the classes."
)


def make_table(sources: Sources) -> Table:
    """Make the published rows, with our numbers where a variant repeats the method.

    Raises: AurlError for a damaged file of published numbers.
    """
    report, rows = sources.report, [*read_published("sota"), *outside_rows(sources)]
    test_sets = list(report.test_sets.values())
    names = [test_set.published for test_set in test_sets if test_set.published]
    text = {
        "Method": [_method(row) for row in rows],
        **sources.tracks(row.variant if row.variant in sources.labels else None for row in rows),
        "Test splits": ["" if row.splits is None else str(row.splits) for row in rows],
        **{f"Trained on ({name})": [row.trained_on.get(name, "") for row in rows] for name in names},
    }
    return Table(
        f"{report.title}: comparison",
        text,
        {f"{test_set.label} top-1": [_cell(sources, row, test_set) for row in rows] for test_set in test_sets},
        [_protocol(sources, rows), THREE_SPLITS_NOTE, *sources.notes, *sources.statistics.notes()],
        report.paper_setting,
        intervals=tuple(f"{test_set.label} top-1" for test_set in test_sets),
        best={f"{test_set.label} top-1": "highest" for test_set in test_sets},
        within="Test splits",
    )


def outside_rows(sources: Sources) -> list[PublishedRow]:
    """Make a row of each number of splits for the rows from outside, which have no published numbers here."""
    outside = [name for name in sources.labels if name in sources.settings.external]
    return [
        PublishedRow(sources.labels[name], name, splits, False)
        for name in outside
        for splits in sources.results.splits(name)
    ]


def _method(row: PublishedRow) -> str:
    return f"{row.method}*" if row.starred else row.method


def _cell(sources: Sources, row: PublishedRow, test_set: TestSetSettings) -> Cell:
    clips, measured, interval = sources.clips(row.variant, sources.report.sota_clips), None, None
    if row.variant and row.splits is not None:
        measured = sources.results.cell(row.variant, test_set.dataset, clips, row.splits, "top1")
    if row.splits == 1:
        interval = sources.statistics.interval(row.variant, test_set.dataset, clips)
    return Cell(measured, row.value(test_set.published, "top1"), 1, interval)


def _protocol(sources: Sources, rows: list[PublishedRow]) -> str:
    unstarred = "".join(
        f" The row {row.method} without a star is the variant {sources.labels.get(row.variant, row.variant)},"
        " trained without the filter."
        for row in rows
        if row.variant and not row.starred and row.variant not in sources.settings.external
    )
    return (
        f"Ours: {counted(sources.report.sota_clips, 'clip')} a video. 1 test split means all classes; n splits mean the"
        " average over the half-class draws 0 to n - 1. The poster does not say what the star means: most probably"
        f" strict labels (assumed).{unstarred}"
    )

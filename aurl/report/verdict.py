"""Compare the present metrics with a reference, and write the result."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from aurl.evaluation import schema
from aurl.evaluation.labels import counted, row_labels, test_set_labels
from aurl.lineage.blocks import differing_keys
from aurl.pipeline.jobs import Jobs
from aurl.report.about import About
from aurl.report.agreement import Agreement, Difference, compare_cells
from aurl.report.runs import METRICS, REFERENCES, Run, present_run, read_run
from aurl.report.tables.base import Cell
from aurl.system.errors import AurlError
from aurl.system.terminal import WIDTH, narrow_table

NAMES = {
    "variant": "variants", "dataset": "test sets", "seed": "seeds", "clips": "clip counts", "protocol": "protocols",
    "splits": "splits",
}  # fmt: skip
RULE = (
    "A row agrees if, for all classes and for halves of them, the means of top-1 over the seeds differ by at most 3"
    " standard errors of both (docs/compare.md)."
)


def compare_with(jobs: Jobs, reference: str | None) -> tuple[Run, Run, Agreement]:
    """Compare the present metrics with a reference.

    Args:
        reference: folder, file or revision; None for the experiment's own in docs/reference.
    Raises:
        AurlError: there are no metrics yet, or the reference is missing, damaged, of another experiment, or has other
            rows.
    """
    experiment = jobs.experiment.experiment
    here = present_run(jobs)
    there = default_reference(here, experiment) if reference is None else read_run(reference, experiment)
    if there.about.experiment not in (None, experiment):
        raise AurlError(
            f"{there.name}: a reference of experiment '{there.about.experiment}', not of '{experiment}'; 'aurl use"
            f" {there.about.experiment}' chooses that one"
        )
    check_rows(here, there)
    return here, there, compare_cells(here.cells(), there.cells(), here.content == there.content)


def default_folder(experiment: str) -> Path:
    """Name the folder of an experiment's own reference."""
    return REFERENCES / experiment


def default_reference(here: Run, experiment: str) -> Run:
    """Read the experiment's own reference.

    Raises: AurlError if there is none, or it was made with other parameters.
    """
    folder = default_folder(experiment)
    if not (folder / METRICS).is_file():
        raise AurlError(
            f"{folder}: there is no reference for experiment '{experiment}'; name a folder, a metrics.csv or a revision of"
            " git, or write one with 'aurl compare --save'"
        )
    there = read_run(str(folder), experiment)
    changes = parameter_changes(there.about, here.about)
    if changes:
        raise AurlError(
            f"{folder}: made with other parameters: {_first(changes)}; 'aurl compare {folder}' compares all the same"
        )
    return there


def parameter_changes(there: About, here: About) -> list[str]:
    """List the parameters that differ: "training.epochs 6 -> 7".

    The list is empty if the parameters of one side are not known.
    """
    if not there.parameters or not here.parameters:
        return []
    return [
        f"{key} {there.parameters.get(key, '(none)')} -> {here.parameters.get(key, '(none)')}"
        for key in differing_keys(there.parameters, here.parameters)
    ]


def check_rows(here: Run, there: Run) -> None:
    """Check that two runs have the same rows. Raises: AurlError that names others."""
    differing = list(other_rows(here.table, there.table))
    if differing:
        raise AurlError(
            f"{there.name}: other rows than {here.name}: {'; '.join(differing)}; compare runs of the same variants, test"
            " sets and seeds"
        )


def other_rows(here: pd.DataFrame, there: pd.DataFrame) -> Iterator[str]:
    """List what only one run has: variants, test sets, seeds, clips or splits.

    Where these are equal: the rows that only one run has; where there are none, the test sets with other videos.
    """
    one_sided = [
        f"{NAMES[column]} only {side}: {', '.join(map(str, values))}"
        for column in NAMES
        for side, values in (("here", _only(here, there, column)), ("in the reference", _only(there, here, column)))
        if values
    ]
    key = list(NAMES)
    both = here.merge(there, on=key, how="outer", suffixes=("", " there"), indicator=True)
    missing = both[both["_merge"] != "both"]
    if one_sided:
        yield from one_sided
    elif not missing.empty:
        row = missing.iloc[0]
        side = "here" if row["_merge"] == "left_only" else "in the reference"
        yield f"{counted(len(missing), 'row')} only on one side, first {' '.join(str(row[name]) for name in key)} ({side})"
    else:
        other = both[(both["videos"] != both["videos there"]) | (both["classes"] != both["classes there"])]
        for dataset, rows in other.groupby("dataset"):
            ours, theirs = ((rows[f"videos{x}"].iloc[0], rows[f"classes{x}"].iloc[0]) for x in ("", " there"))
            counts = "{:g} videos of {} classes here, {:g} of {} in the reference".format(*ours, *theirs)
            yield f"other videos of {dataset}: {counts}"


def lines_of(jobs: Jobs, here: Run, there: Run, agreement: Agreement) -> Iterator[str]:
    """Write the comparison: both machines, the rows that differ, the verdict."""
    for title, run in (("here", here), ("reference", there)):
        yield from _wrapped(f"{title}: ", f"{run.name}{_made(run.about)}")
    changes = parameter_changes(there.about, here.about)
    if changes:
        yield from _wrapped("other parameters: ", _first(changes))
    if agreement.differing:
        yield ""
        yield narrow_table(*_rows(jobs, agreement.differing))
    yield ""
    if not agreement.identical:
        yield from _wrapped("", RULE)
    yield from _wrapped("", verdict(agreement, there.name))


def verdict(agreement: Agreement, name: str) -> str:
    """Say in one line whether the runs agree."""
    if agreement.identical:
        return f"agrees with the reference {name}: metrics.csv is equal to the byte"
    if agreement.agrees:
        return f"agrees with the reference {name}, within what the seeds explain"
    return f"differs from the reference {name} in {len(agreement.differing)} of {counted(agreement.rows, 'row')}"


def verdict_line(jobs: Jobs) -> str:
    """Write the verdict on the experiment's own reference in one line.

    A difference, or a reference that cannot be compared, raises no error.
    """
    folder = default_folder(jobs.experiment.experiment)
    if not (folder / METRICS).is_file():
        return "no reference for this experiment"
    try:
        _, there, agreement = compare_with(jobs, None)
    except AurlError as error:
        return f"not compared with the reference: {error}"
    return verdict(agreement, there.name) + ("" if agreement.agrees else ": aurl compare")


def _rows(jobs: Jobs, differing: list[Difference]) -> tuple[list[str], list[list[str]]]:
    methods, test_sets = row_labels(jobs.experiment), test_set_labels(jobs.experiment.report)
    order = [*methods]
    ranked = sorted(differing, key=lambda each: order.index(each.cell.variant) if each.cell.variant in order else 0)
    rows = [
        [
            methods.get(each.cell.variant, each.cell.variant),
            test_sets.get(each.cell.dataset, each.cell.dataset),
            str(each.cell.clips),
            _classes(each.cell.protocol, each.cell.splits),
            *(Cell(value, None, 1).text() for value in (each.here, each.there)),
            f"{each.allowed:.1f}",
        ]
        for each in ranked
    ]
    return ["Method", "Test set", "Clips", "Classes", "Here", "Reference", "Allowed"], rows


def _classes(protocol: str, splits: int) -> str:
    if protocol != schema.DEFAULT_PROTOCOL:
        return protocol
    return "all" if splits == 1 else f"half x {splits}"


def _made(about: About) -> str:
    commit = f"commit {about.commit[:10]}{' with changes' if about.changed else ''}" if about.commit else ""
    circumstance = ", ".join(filter(None, (commit, about.date)))
    machine = str(about.machine) if about.machine else "machine not known"
    return f" ({circumstance}); {machine}" if circumstance else f"; {machine}"


def _first(changes: list[str], most: int = 3) -> str:
    more = f" and {len(changes) - most} more" if len(changes) > most else ""
    return ", ".join(change[:100] for change in changes[:most]) + more


def _only(one: pd.DataFrame, other: pd.DataFrame, column: str) -> list[Any]:
    return sorted(set(one[column]) - set(other[column]))


def _wrapped(title: str, text: str) -> list[str]:
    """Break a text into lines; a long name stays whole, so that it can be copied."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"{title:<11}" if title else "",
        subsequent_indent=" " * (11 if title else 0),
        break_long_words=False,
        break_on_hyphens=False,
    )

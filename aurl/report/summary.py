"""Summarise a finished experiment: a narrow table and a verdict, or all details."""

import textwrap
from collections.abc import Iterator

import pandas as pd

from aurl.evaluation.labels import counted
from aurl.experiment.settings import ReportSettings, TestSetSettings
from aurl.lineage.blocks import block_or_none
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.paths import ResultPaths
from aurl.report.costs import stage_costs
from aurl.report.intervals import Statistics
from aurl.report.order import order_sentence, ordered_pairs
from aurl.report.results import Results
from aurl.report.tables.ablation import AUTHORS
from aurl.report.tables.methods import BANKS, END_TO_END, NOT_RUN
from aurl.report.verdict import verdict_line
from aurl.system.errors import AurlError
from aurl.system.progress import in_bytes
from aurl.system.terminal import WIDTH, narrow_table, wrapped
from aurl.system.text_files import read_csv, rerun_hint

SETS_AT_ONCE, COLUMNS_AT_ONCE = 2, 3  # test sets, and columns of a table, that fit side by side


def headline(jobs: Jobs) -> Iterator[str]:
    """Yield top-1 beside the paper's, the order of the variants, and the verdict.

    No line is longer than 80 columns, but for names and messages of errors.

    Raises: AurlError if the experiment has no table yet, or it is damaged.
    """
    yield from measured_lines(jobs)
    yield from textwrap.wrap(verdict_line(jobs), WIDTH)


def measured_lines(jobs: Jobs) -> Iterator[str]:
    """Yield top-1 beside the paper's, and the order of the variants.

    Raises: AurlError if the experiment has no table yet, or it is damaged.
    """
    report, paths = jobs.experiment.report, jobs.paths
    _check_finished(paths)
    results = Results(paths.of("metrics_csv"))
    yield from textwrap.wrap(_title(report, results), WIDTH)
    test_sets = list(report.test_sets.values())
    for start in range(0, len(test_sets), SETS_AT_ONCE):
        yield ""
        yield _table(paths, test_sets[start : start + SETS_AT_ONCE])
    yield from _methods(paths, test_sets)
    yield ""
    pairs = list(ordered_pairs(results, jobs.experiment.evaluated, report))
    yield from textwrap.wrap(order_sentence(pairs, Statistics(paths.of("statistics"))) or "", WIDTH)


def details(jobs: Jobs) -> Iterator[str]:
    """Yield the ablation table in parts that fit a terminal, its notes, the files and the stages' times.

    Raises: AurlError if the experiment has no table yet.
    """
    paths = jobs.paths
    _check_finished(paths)
    lines = paths.of("ablation_md").read_text().splitlines()
    yield from _parts([line for line in lines if line.startswith("|")])
    yield from (part for line in lines if line.startswith("- ") for part in wrapped(line, "  "))
    files = map(paths.of, ("report", "ablation_html", "sota_md", "methods_md", "metrics_csv", "ablation_png"))
    yield "\nAlso:"
    yield from (f"  {path}" for path in files if path.is_file())
    yield "\nStages (from their provenance blocks):"
    yield stage_times(jobs)


def _parts(lines: list[str]) -> Iterator[str]:
    """Yield a Markdown table as narrow ones of a few columns each, without columns that are empty."""
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    columns = [place for place in range(1, len(head)) if any(row[place] for row in rows)]
    for start in range(0, len(columns), COLUMNS_AT_ONCE):
        shown = [0, *columns[start : start + COLUMNS_AT_ONCE]]
        yield f"{narrow_table([head[place] for place in shown], [[row[place] for place in shown] for row in rows])}\n"


def stage_times(jobs: Jobs) -> str:
    """Write the cost of each stage of the present experiment, in the order in which they began."""
    blocks = [block for job in jobs.all() if (block := block_or_none(job.block)) is not None]
    rows = [
        (cost.stage, str(cost.jobs), f"{cost.seconds:.1f} s", f"{cost.cpu_seconds:.1f} s", in_bytes(cost.peak_memory))
        for cost in stage_costs(blocks)
    ]
    return narrow_table(("stage", "jobs", "wall time", "CPU time", "peak memory"), rows)


def _check_finished(paths: ResultPaths) -> None:
    for artefact in ("ablation_md", "ablation_csv", "metrics_csv", "statistics"):
        if not paths.of(artefact).is_file():
            raise AurlError(f"{paths.of(artefact)}: not written yet; run 'snakemake'")


def _title(report: ReportSettings, results: Results) -> str:
    spread = f", mean ± standard deviation over {results.seeds} seeds" if results.seeds > 1 else ""
    return f"{report.title}: top-1 in % (all classes, {counted(report.ablation_clips, 'clip')}){spread}"


def _table(paths: ResultPaths, test_sets: list[TestSetSettings]) -> str:
    """Write top-1 on some test sets from the ablation table, but the authors' row."""
    path = paths.of("ablation_csv")
    columns = [f"{test_set.label} top-1" for test_set in test_sets]
    needed = [name for column in columns for name in (column, f"{column} std", f"{column} published")]
    table = read_csv(path, ["Method", *needed], rerun_hint(path), dtype={"Method": str} | dict.fromkeys(needed, float))
    table = table[~table["Method"].str.endswith(AUTHORS)]
    measured = [[_measured(*pair) for pair in zip(table[name], table[f"{name} std"], strict=True)] for name in columns]
    published = {
        f"paper {test_set.published}": [_number(value) for value in table[f"{column} published"]]
        for test_set, column in zip(test_sets, columns, strict=True)
        if test_set.published is not None
    }
    rows = list(zip(table["Method"], *measured, *published.values(), strict=True))
    return narrow_table(["Method", *columns, *published], rows)


def _methods(paths: ResultPaths, test_sets: list[TestSetSettings]) -> Iterator[str]:
    """Yield top-1 of the methods on features, a table for each network; nothing where no method was fitted."""
    path = paths.of("methods_csv")
    if not path.is_file():
        return
    table = read_csv(path, ["Group", "Method"], rerun_hint(path))
    for start in range(0, len(test_sets), SETS_AT_ONCE):
        columns: dict[str, str] = {}  # column of the file -> head
        for each in test_sets[start : start + SETS_AT_ONCE]:
            corrected = f"{each.label}, {BANKS['seen']}"
            columns |= {f"{each.label} top-1": f"{each.label} top-1"}
            columns |= {corrected: "with CSLS"} if corrected in table else {}
        for group, rows in table.groupby("Group", sort=False):
            if group not in (END_TO_END, NOT_RUN):
                cells = [
                    [_measured(*pair) for pair in zip(rows[name], rows[f"{name} std"], strict=True)] for name in columns
                ]
                yield ""
                yield from textwrap.wrap(f"{group}:", WIDTH)
                yield narrow_table(["Method", *columns.values()], list(zip(rows["Method"], *cells, strict=True)))


def _measured(mean: float, std: float) -> str:
    return _number(mean) if pd.isna(std) else f"{mean:.1f} ± {std:.1f}"


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.1f}"

"""Read the numbers that a user wants first: top-1 of every method. Needs no pandas."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from aurl.evaluation.labels import row_labels
from aurl.pipeline.jobs import Jobs
from aurl.system.terminal import counted, narrow_table, wrapped


@dataclass(frozen=True)
class Top1:
    """Hold top-1 of a method on a test set in %, with its deviation over the seeds ("" for one seed)."""

    mean: str
    std: str

    def __str__(self) -> str:
        spread = f" ± {float(self.std):.1f}" if self.std else ""
        return f"{float(self.mean):.1f}{spread}" if self.mean else "none"


def read_top1(jobs: Jobs) -> dict[tuple[str, str], Top1]:
    """Map (method, test set), by their labels, to top-1; empty where there is no table, or it is damaged."""
    labels = [test_set.label for test_set in jobs.experiment.report.test_sets.values()]
    try:
        with jobs.paths.of("ablation_csv").open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        cells = {(row["Method"], label): Top1(row[f"{label} top-1"], row[f"{label} top-1 std"])
                 for row in rows for label in labels}  # fmt: skip
        return {key: cell for key, cell in cells.items() if str(cell) != "none"}
    except (OSError, KeyError, ValueError):
        return {}


def proposed_lines(jobs: Jobs) -> list[str]:
    """Say top-1 of the proposed variant on each test set; nothing where it was not measured."""
    experiment = jobs.experiment
    name = experiment.report.proposed
    label = row_labels(experiment).get(name, name)
    cells = [f"{dataset} {cell}" for (method, dataset), cell in read_top1(jobs).items() if method == label]
    if not cells:
        return []
    of = f"mean ± deviation of {counted(len(experiment.seeds), 'seed')}" if len(experiment.seeds) > 1 else "1 seed"
    return wrapped(f"{label}, top-1 in %: {', '.join(cells)} ({of}); 'aurl summary' shows all", "  ")


def changed_top1(before: dict[tuple[str, str], Top1], after: dict[tuple[str, str], Top1]) -> Iterator[str]:
    """Yield a table of the methods whose top-1 changed, before and after, or say that none did."""
    rows = [
        (method, dataset, str(before.get((method, dataset), "none")), str(cell))
        for (method, dataset), cell in after.items()
        if before.get((method, dataset)) != cell
    ]
    yield narrow_table(("top-1 in %", "test set", "before", "after"), rows) if rows else "top-1: no number changed"

"""Set a network's accuracies beside the published cells of the paper's tables."""

from dataclasses import dataclass

from aurl.evaluation.published import read_published
from aurl.system.shipped import PUBLISHED, packaged
from aurl.testing.outcome import Outcome

TABLES = {"ablation": 1, "sota": 25}  # table -> clips of a video, as the paper tests


@dataclass(frozen=True)
class Cell:
    """Hold a published top-1 and ours, in percent. splits: half-class splits; 1: all classes."""

    table: str
    method: str
    splits: int
    clips: int
    published: float
    ours: float


def published_cells(outcomes: list[Outcome]) -> list[Cell]:
    """List the cells that the network's row of the published tables has on its test set."""
    by_clips = {outcome.clips: outcome for outcome in outcomes}
    cells = []
    for table, clips in TABLES.items():
        outcome = by_clips.get(clips)
        for row in read_published(table, packaged(PUBLISHED)) if outcome else ():
            assert outcome is not None
            value = row.value(outcome.result.test_set_label, "top1")
            ours = _ours(outcome, row.splits)
            if row.variant and row.variant == outcome.network.variant and value is not None and ours is not None:
                assert row.splits is not None
                cells.append(Cell(table, row.method, row.splits, clips, value, ours))
    return cells


def _ours(outcome: Outcome, splits: int | None) -> float | None:
    """Find the accuracy over so many half-class splits, or over all classes."""
    name = "all_classes" if splits == 1 else "half_classes"
    rows = [row for row in outcome.result.rows if row.protocol == name and row.runs == splits]
    return rows[0].top1 if rows else None

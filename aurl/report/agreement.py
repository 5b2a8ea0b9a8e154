"""Decide whether two runs of one experiment agree, within what the seeds explain."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from aurl.report.results import Measured

FACTOR = 3.0  # standard errors
ROUNDING = 1e-6  # points: metrics.csv has six decimals


class Cell(NamedTuple):
    """Name a mean over seeds: a row of `metrics.csv` without its seed."""

    variant: str
    dataset: str
    clips: int
    protocol: str
    splits: int


@dataclass(frozen=True)
class Difference:
    """Top-1 of one cell in both runs, in percent, and the difference allowed."""

    cell: Cell
    here: Measured
    there: Measured
    allowed: float

    @property
    def excess(self) -> float:
        """Return the points beyond what is allowed; at most 0 if the means agree."""
        return max(0.0, abs(self.here.mean - self.there.mean) - ROUNDING) - self.allowed


@dataclass(frozen=True)
class Agreement:
    """The result of comparing two runs.

    Attributes:
        identical: the two files have the same bytes.
        rows: number of rows: variant, test set and clips.
        differing: for each row that differs, its cell (protocol and splits) that differs most.
    """

    identical: bool
    rows: int
    differing: list[Difference]

    @property
    def agrees(self) -> bool:
        """Say whether every row agrees."""
        return not self.differing


def compare_cells(here: Mapping[Cell, list[float]], there: Mapping[Cell, list[float]], identical: bool) -> Agreement:
    """Compare the top-1 of two runs, cell by cell.

    Args:
        here, there: cell -> top-1 of each seed, in percent; of the same cells.
    """
    ours, theirs = ({cell: measured(values) for cell, values in run.items()} for run in (here, there))
    usual, usual_there = (usual_deviations(run) for run in (ours, theirs))
    worst: dict[tuple[str, str, int], Difference] = {}
    for cell, one in ours.items():
        other, group = theirs[cell], cell[1:]
        known = known_deviation(one.std, usual.get(group)), known_deviation(other.std, usual_there.get(group))
        difference = Difference(cell, one, other, allowed_difference(*known, one.seeds, other.seeds))
        row = cell.variant, cell.dataset, cell.clips
        if row not in worst or difference.excess > worst[row].excess:
            worst[row] = difference
    return Agreement(identical, len(worst), [difference for difference in worst.values() if difference.excess > 0])


def measured(values: list[float]) -> Measured:
    """Return mean, standard deviation (ddof 1; None for one seed) and number of seeds."""
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Measured(mean, None, 1)
    return Measured(
        mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)), len(values)
    )


def usual_deviations(run: Mapping[Cell, Measured]) -> dict[tuple[str, int, str, int], float]:
    """Pool the deviations over seeds: root of the mean variance of all variants.

    The keys are (test set, clips, protocol, splits).
    """
    variances: dict[tuple[str, int, str, int], list[float]] = {}
    for cell, value in run.items():
        if value.std is not None:
            variances.setdefault(cell[1:], []).append(value.std**2)
    return {group: math.sqrt(math.fsum(values) / len(values)) for group, values in variances.items()}


def known_deviation(own: float | None, usual: float | None) -> float | None:
    """Choose the larger of a variant's own deviation and the usual one.

    Three seeds estimate a deviation badly: it is often too small by luck.
    """
    return max(_known(own, usual), default=None)


def allowed_difference(one: float | None, other: float | None, seeds: int, other_seeds: int) -> float:
    """Return `FACTOR` standard errors of the difference of two means, in points.

    A run of one seed has no deviation (None) and takes that of the other run. If neither has one, nothing is known of
    the spread, and only equal means agree.

    Args:
        one, other: standard deviation over seeds. seeds, other_seeds: their numbers.
    """
    first = next(iter(_known(one, other)), 0.0)
    second = next(iter(_known(other, one)), 0.0)
    return FACTOR * math.hypot(first / math.sqrt(seeds), second / math.sqrt(other_seeds))


def _known(*values: float | None) -> Iterable[float]:
    return [value for value in values if value is not None]

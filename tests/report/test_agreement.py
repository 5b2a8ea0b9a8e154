"""The rule by which two runs agree: its properties, its special cases, and how often it errs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurl.report.agreement import FACTOR, ROUNDING, Cell, allowed_difference, compare_cells

PERCENT = st.floats(0, 100, allow_nan=False).map(lambda value: round(value, 6))
SEEDS = st.lists(PERCENT, min_size=1, max_size=4)
VARIANTS = ("mse", "ls", "aurl")
Values = dict[Cell, list[float]]


def cell(variant: str = "aurl", dataset: str = "ucf", clips: int = 1, splits: int = 1) -> Cell:
    return Cell(variant, dataset, clips, "half_splits", splits)


@st.composite
def pairs_of_runs(draw: st.DrawFn) -> tuple[Values, Values]:
    """Two runs of the same cells; every cell of a run has as many seeds as the others."""
    sizes = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    return tuple(  # type: ignore[return-value]
        {cell(name): draw(st.lists(PERCENT, min_size=size, max_size=size)) for name in VARIANTS} for size in sizes
    )


@given(pairs_of_runs())
def test_the_rule_is_symmetric(runs: tuple[Values, Values]) -> None:
    one, other = compare_cells(*runs, False), compare_cells(*runs[::-1], False)
    assert one.rows == other.rows == len(VARIANTS)
    assert [each.cell for each in one.differing] == [each.cell for each in other.differing]
    assert [each.allowed for each in one.differing] == [each.allowed for each in other.differing]


@given(st.lists(PERCENT, min_size=1, max_size=5))
def test_equal_runs_agree_in_any_order_of_their_seeds(values: list[float]) -> None:
    turned = sorted(values, reverse=True)
    assert compare_cells({cell(): values}, {cell(): turned}, False).agrees


@given(SEEDS, SEEDS, st.floats(0, 50), st.floats(0, 50))
def test_a_larger_difference_never_agrees_where_a_smaller_one_does_not(
    here: list[float], there: list[float], one: float, other: float
) -> None:
    """Both runs keep their spread; one of them is moved away from the other."""
    near, far = sorted((one, other))
    away = math.copysign(1, sum(here) / len(here) - sum(there) / len(there))
    agrees = [
        compare_cells({cell(): [value + away * shift for value in here]}, {cell(): there}, False).agrees
        for shift in (near, far)
    ]
    assert agrees[0] or not agrees[1]


@given(st.floats(0, 20), st.floats(0, 20), st.integers(1, 9), st.integers(1, 9))
def test_what_is_allowed_is_three_standard_errors_of_both(one: float, other: float, seeds: int, others: int) -> None:
    allowed = allowed_difference(one, other, seeds, others)
    assert allowed == pytest.approx(3 * math.sqrt(one**2 / seeds + other**2 / others))
    assert FACTOR == 3
    assert allowed_difference(one + 1, other, seeds, others) > allowed, "a larger spread explains more"
    assert allowed_difference(one, other, seeds + 1, others) <= allowed, "more seeds explain less"


def test_a_run_of_one_seed_takes_the_spread_of_the_other() -> None:
    there = [20.0, 22.0, 24.0]  # deviation 2
    limit = 3 * math.sqrt(4 / 1 + 4 / 3)
    for value, agrees in ((22 + limit - 0.001, True), (22 + limit + 0.001, False)):
        assert compare_cells({cell(): [value]}, {cell(): there}, False).agrees == agrees
        assert compare_cells({cell(): there}, {cell(): [value]}, False).agrees == agrees


@pytest.mark.parametrize("seeds", [1, 3])
def test_without_any_spread_only_equal_means_agree(seeds: int) -> None:
    here = {cell(): [20.0] * seeds}
    assert compare_cells(here, {cell(): [20.0] * seeds}, False).agrees
    assert compare_cells(here, {cell(): [20.0 + ROUNDING / 2] * seeds}, False).agrees
    assert not compare_cells(here, {cell(): [20.0 + 3 * ROUNDING] * seeds}, False).agrees


def test_a_small_deviation_of_three_seeds_is_not_trusted_alone() -> None:
    """The other variants of the same test set show how much seeds change there; those of another one do not."""
    here = {cell("ls"): [20.0, 20.0, 20.0], cell("aurl"): [18.0, 22.0, 20.0]}
    there = {cell("ls"): [21.0, 21.0, 21.0], cell("aurl"): [18.0, 22.0, 20.0]}
    assert compare_cells(here, there, False).agrees
    alone = [{cell("ls"): run[cell("ls")], cell("aurl", "hmdb"): run[cell("aurl")]} for run in (here, there)]
    assert [each.cell for each in compare_cells(*alone, False).differing] == [cell("ls")]


def test_a_row_is_counted_once_and_shows_its_worst_cell() -> None:
    splits = {1: 40.0, 10: 60.0, 50: 45.0}
    here = {cell(splits=number, clips=clips): [40.0] for number in splits for clips in (1, 4)}
    there = {one: [splits[one.splits] if one.clips == 4 else 40.0] for one in here}
    agreement = compare_cells(here, there, False)
    assert (agreement.rows, agreement.agrees) == (2, False)
    assert [(each.cell.clips, each.cell.splits) for each in agreement.differing] == [(4, 10)]


@pytest.mark.parametrize("deviations", [[2.0] * 6, [0.3, 0.3, 5.0, 2.0, 2.0, 2.0]])
def test_runs_that_differ_by_their_seeds_alone_agree(deviations: list[float]) -> None:
    """Six variants, two test sets, three seeds each, other seeds in both runs: false alarms in less than 12 %."""
    rng, alarms = np.random.default_rng(0), 0
    cells = {cell(f"v{number}", name): sd for number, sd in enumerate(deviations) for name in ("ucf", "hmdb")}
    for _ in range(300):
        here, there = ({one: list(rng.normal(30, sd, 3)) for one, sd in cells.items()} for _ in range(2))
        alarms += not compare_cells(here, there, False).agrees
    assert alarms / 300 < 0.12


def test_a_variant_that_changed_is_noticed() -> None:
    rng, noticed = np.random.default_rng(0), 0
    for _ in range(100):
        here, there = ({cell(f"v{number}"): list(rng.normal(30, 2, 3)) for number in range(6)} for _ in range(2))
        there[cell("v0")] = [value + 10 for value in there[cell("v0")]]
        noticed += any(each.cell.variant == "v0" for each in compare_cells(here, there, False).differing)
    assert noticed > 95

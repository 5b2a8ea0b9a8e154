"""Find the best values of a table, which pages and LaTeX set in bold."""

from collections.abc import Callable, Sequence

from aurl.report.tables.base import Cell, Table

Value = Callable[[Cell], float | None]


def measured(cell: Cell) -> float | None:
    """Return our mean, or None for a bound or where nothing was measured."""
    return None if cell.measured is None or cell.bound else cell.measured.mean


def published(cell: Cell) -> float | None:
    """Return the published value, or None."""
    return cell.published


def best_rows(table: Table, quantity: str, value: Value) -> set[int]:
    """List the rows that have the best value of a quantity, among rows that compare; equal texts are equally good.

    Where all values are equal, none is the best.
    """
    cells = table.quantities[quantity]
    groups: dict[str, dict[int, float]] = {}
    for row, (cell, group) in enumerate(zip(cells, _groups(table, len(cells)), strict=True)):
        number = value(cell)
        if number is not None and quantity in table.best:
            groups.setdefault(group, {})[row] = round(number, cell.decimals)
    choose = max if table.best.get(quantity) == "highest" else min
    return {
        row
        for values in groups.values()
        if len(set(values.values())) > 1
        for row, number in values.items()
        if number == choose(values.values())
    }


def _groups(table: Table, rows: int) -> Sequence[str]:
    return [""] * rows if table.within is None else table.text[table.within]

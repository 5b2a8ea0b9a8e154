"""Write tables that fit a terminal of 80 columns, whatever the labels."""

import textwrap
from collections.abc import Sequence
from itertools import zip_longest

WIDTH = 80
GAP = 2  # columns between two cells
NARROWEST = 4


def narrow_table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int = WIDTH) -> str:
    """Write a table of at most `width` columns.

    Heads are broken at blanks, and the widest cells where there is no space. The first column is set to the left, the
    others to the right.

    Raises: ValueError if there are too many columns for the width.
    """
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(len, [*title.split(), *cells, "-"])) for title, *cells in columns]
    space = width - GAP * (len(columns) - 1)
    if space < NARROWEST * len(columns):
        raise ValueError(f"{len(columns)} columns do not fit into {width}")
    while sum(widths) > space:
        widths[widths.index(max(widths))] -= 1
    line = (" " * GAP).join("-" * each for each in widths)
    return "\n".join([*_lines(head, widths), line, *(text for row in rows for text in _lines(row, widths))])


def _lines(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Break the cells of a row into the lines of the terminal."""
    broken = [textwrap.wrap(cell, size) for cell, size in zip(cells, widths, strict=True)]
    lines = []
    for parts in zip_longest(*broken, fillvalue=""):
        texts = [text.rjust(size) if number else text.ljust(size)
                 for number, (text, size) in enumerate(zip(parts, widths, strict=True))]  # fmt: skip
        lines.append((" " * GAP).join(texts).rstrip())
    return lines

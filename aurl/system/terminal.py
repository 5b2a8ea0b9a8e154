"""Write text and tables that fit a terminal of 80 columns."""

import textwrap
from collections.abc import Container, Sequence
from itertools import zip_longest

WIDTH = 80
GAP = 2  # columns between two cells
NARROWEST = 4


def wrapped(text: str, indent: str = "", width: int = WIDTH) -> list[str]:
    """Break a sentence at blanks into lines of at most `width` columns; a longer path or name stays whole.

    Args:
        indent: before every line but the first.
    """
    return textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def shortened(text: str, most: int) -> str:
    """Cut a text that is longer than `most` characters; three dots stand for the rest."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def counted(number: int, thing: str) -> str:
    """Write a number with its noun: 1 clip, 4 clips, 1,200 videos."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def narrow_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], width: int = WIDTH, left: Container[str] = ()
) -> str:
    """Write a table of at most `width` columns.

    Heads are broken at blanks, and the widest cells where there is no space. The first column is set to the left, the
    others to the right.

    Args:
        left: heads of further columns that are set to the left.
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
    to_left = [number == 0 or title in left for number, title in enumerate(head)]
    parts = [_lines(head, widths, to_left), [line], *(_lines(row, widths, to_left) for row in rows)]
    return "\n".join(text for part in parts for text in part)


def _lines(cells: Sequence[str], widths: Sequence[int], to_left: Sequence[bool]) -> list[str]:
    """Break the cells of a row into the lines of the terminal."""
    broken = [textwrap.wrap(cell, size) for cell, size in zip(cells, widths, strict=True)]
    lines = []
    for parts in zip_longest(*broken, fillvalue=""):
        texts = [
            text.ljust(size) if left else text.rjust(size)
            for text, size, left in zip(parts, widths, to_left, strict=True)
        ]
        lines.append((" " * GAP).join(texts).rstrip())
    return lines

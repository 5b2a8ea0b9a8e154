"""Write a table as csv, Markdown, LaTeX and HTML."""

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from aurl.report.best import best_rows, measured, published
from aurl.report.symbols import html_symbols, latex_symbols
from aurl.report.tables.base import CHECK, Table

LONGEST_LINE = 80  # characters of a cell
LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "±": r"$\pm$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": "$<$", ">": "$>$", "|": r"\textbar{}", "→": r"$\rightarrow$", "…": r"\ldots{}", CHECK: r"\checkmark"}
)
MOST_COLUMNS = 8  # of a LaTeX table in one text column


def as_csv(table: Table) -> str:
    """Write the numbers, each in a column of its own."""
    return str(table.values().to_csv(index=False, lineterminator="\n"))


def as_markdown(table: Table) -> str:
    """Write caption, table and notes as Markdown."""
    notes = "".join(f"- {note}\n" for note in [*table.notes, *table.only_files])
    body = table.display().to_markdown(index=False, disable_numparse=True)
    return f"**{table.caption}**\n\n{body}\n\n{notes}"


@dataclass(frozen=True)
class Column:
    """A column of a LaTeX table: what stands above it, its head, its alignment, its cells."""

    group: str
    head: str
    alignment: str
    cells: list[str]


def as_latex(table: Table) -> str:
    """Write a LaTeX table: ours beside the paper's, the best in bold; the notes follow it as comments.

    Every special character is escaped. It needs the packages booktabs, amssymb and graphicx. A table that is wider
    than the line is made smaller.
    """
    columns = [*_text_columns(table), *(column for name in table.quantities for column in _quantity(table, name))]
    wide = "*" if len(columns) > MOST_COLUMNS else ""
    rows = [" & ".join(cells) + r" \\" for cells in zip(*(column.cells for column in columns), strict=True)]
    lines = [
        r"% \usepackage{booktabs,amssymb,graphicx}",
        rf"\begin{{table{wide}}}",
        r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{escape_latex(table.caption)}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{''.join(column.alignment for column in columns)}}}",
        r"\toprule",
        *_group_heads(columns),
        " & ".join(column.head for column in columns) + r" \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}}",
        rf"\end{{table{wide}}}",
        "% Notes (the intervals are in the csv and md files):",
        *(f"% {escape_latex(note)}" for note in [*table.notes, *table.only_files]),
    ]
    return "\n".join(lines) + "\n"


def _text_columns(table: Table) -> Iterator[Column]:
    """Yield the text columns; check marks are centred, long texts set in lines."""
    for name, texts in table.texts().items():
        alignment = "c" if name in table.marks else "l"
        if max(map(len, texts), default=0) > LONGEST_LINE:
            alignment = r"p{0.5\textwidth}"
        yield Column("", escape_latex(name), alignment, list(map(escape_latex, texts)))


def _quantity(table: Table, name: str) -> list[Column]:
    """Make the columns of a quantity: ours and the paper's; csv also has intervals and differences."""
    cells, title = table.quantities[name], escape_latex(name)
    parts = [("ours", _bold([cell.ours() for cell in cells], best_rows(table, name, measured)))]
    if any(cell.published is not None for cell in cells):
        parts.append(("paper", _bold([cell.paper(False) for cell in cells], best_rows(table, name, published))))
    if len(parts) == 1:
        return [Column("", title, "r", parts[0][1])]
    return [Column(title, head, "r", texts) for head, texts in parts]


def _bold(texts: list[str], best: set[int]) -> list[str]:
    escaped = map(escape_latex, texts)
    return [rf"\textbf{{{text}}}" if row in best else text for row, text in enumerate(escaped)]


def _group_heads(columns: list[Column]) -> Iterator[str]:
    """Yield the line above the heads of grouped columns, and the rules below it."""
    if not any(column.group for column in columns):
        return
    heads, rules, start = [], [], 1
    for title, members in groupby(columns, key=lambda column: column.group):
        width = len(list(members))
        heads.append(rf"\multicolumn{{{width}}}{{c}}{{{title}}}" if title else " & " * (width - 1))
        rules += [rf"\cmidrule(lr){{{start}-{start + width - 1}}}"] if title else []
        start += width
    yield " & ".join(heads) + r" \\"
    yield " ".join(rules)


def as_html(table: Table) -> str:
    """Write a page of its own, light or dark as the reader prefers; every text is escaped."""
    notes = "".join(f"<li>{html_symbols(note)}</li>\n" for note in [*table.notes, *table.only_files])
    shown = table.display()
    shown.columns = [html_symbols(column) for column in shown.columns]
    body = shown.map(html_symbols).to_html(index=False, border=0, escape=False)
    title = html_symbols(table.caption)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{html.escape(table.caption)}</title>\n'
        "<style>:root{color-scheme:light dark}body{font-family:sans-serif;margin:2em}"
        "td,th{padding:.3em .8em;text-align:left;border-bottom:1px solid #8888}</style>\n"
        f"</head>\n<body>\n<h1>{title}</h1>\n{body}\n<ul>\n{notes}</ul>\n</body>\n</html>\n"
    )


FORMATS: dict[str, Callable[[Table], str]] = {"csv": as_csv, "md": as_markdown, "tex": as_latex, "html": as_html}


def escape_latex(text: str) -> str:
    """Replace the characters that LaTeX would read as commands, in one line; symbols such as L_S become math."""
    return latex_symbols(" ".join(text.split()).translate(LATEX))

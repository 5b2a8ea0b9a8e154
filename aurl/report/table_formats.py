"""Write a table as csv, Markdown, LaTeX and HTML."""

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

from aurl.report.tables.base import Table

if TYPE_CHECKING:
    import pandas as pd

LONGEST_LINE = 80  # characters of a cell
LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "±": r"$\pm$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def as_csv(table: Table) -> str:
    """Write the numbers, each in a column of its own."""
    return str(table.values().to_csv(index=False, lineterminator="\n"))


def as_markdown(table: Table) -> str:
    """Write caption, table and notes as Markdown."""
    notes = "".join(f"- {note}\n" for note in table.notes)
    body = table.display().to_markdown(index=False, disable_numparse=True)
    return f"**{table.caption}**\n\n{body}\n\n{notes}"


def as_latex(table: Table) -> str:
    """Write a LaTeX table with its notes below it; every special character is escaped."""
    shown = table.display()
    shown = shown.map(escape_latex)
    shown.columns = [escape_latex(column) for column in shown.columns]
    text = set(map(escape_latex, table.text))
    notes = "".join(f"{escape_latex(note)}\\par\n" for note in table.notes)
    body = str(
        shown.to_latex(
            index=False,
            caption=escape_latex(table.caption),
            column_format="".join(_latex_column(shown[name], name in text) for name in shown.columns),
        )
    )
    return body.replace(r"\end{table}", f"\\par\\footnotesize\n{notes}\\end{{table}}")


def as_html(table: Table) -> str:
    """Write a page of its own; every text is escaped."""
    notes = "".join(f"<li>{html.escape(note)}</li>\n" for note in table.notes)
    body = table.display().to_html(index=False, border=0, escape=True)
    title = html.escape(table.caption)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>\n'
        "<style>body{font-family:sans-serif;margin:2em}"
        "td,th{padding:.3em .8em;text-align:left;border-bottom:1px solid #ccc}</style>\n"
        f"</head>\n<body>\n<h1>{title}</h1>\n{body}\n<ul>\n{notes}</ul>\n</body>\n</html>\n"
    )


FORMATS: dict[str, Callable[[Table], str]] = {"csv": as_csv, "md": as_markdown, "tex": as_latex, "html": as_html}


def escape_latex(text: str) -> str:
    """Replace the characters that LaTeX would read as commands."""
    return text.translate(LATEX)


def _latex_column(cells: "pd.Series", text: bool) -> str:
    """Align text left, in lines where it is long; numbers right."""
    if not text:
        return "r"
    return r"p{0.5\textwidth}" if max(map(len, cells), default=0) > LONGEST_LINE else "l"

"""List the tables and figures of an experiment and their files, without importing any of them (nor matplotlib)."""

import re

from aurl.system import plugins
from aurl.system.errors import AurlError

TABLES, FIGURES = "aurl.report.tables", "aurl.report.figures"  # the folders
TABLE_FORMATS = ("csv", "md", "tex", "html")
FIGURE_FORMATS = ("svg", "png", "pdf")


def table_names() -> list[str]:
    """List the tables, sorted."""
    return plugins.names(TABLES)


def figure_names() -> list[str]:
    """List the figures in page order. Raises: AurlError if a file does not state its place on the page."""
    return sorted(plugins.names(FIGURES), key=lambda name: (_order(name), name))


def table_files() -> list[tuple[str, str]]:
    """List (table, extension) of every file that the stage `tables` writes."""
    return [(name, extension) for name in table_names() for extension in TABLE_FORMATS]


def figure_files() -> list[tuple[str, str]]:
    """List (figure, extension) of every file that the stage `figures` writes, in page order."""
    return [(name, extension) for name in figure_names() for extension in FIGURE_FORMATS]


def _order(name: str) -> int:
    """Read a figure's ORDER from its text: an import of the file would load matplotlib."""
    text = (plugins.PACKAGE / "report/figures" / f"{name}.py").read_text()
    stated = re.search(r"^ORDER = (\d+)\b", text, re.MULTILINE)
    if stated is None:
        raise AurlError(f"aurl/report/figures/{name}.py: write its place on the page, such as 'ORDER = 95'")
    return int(stated[1])

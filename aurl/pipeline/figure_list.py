"""List the figures of an experiment and their files, without importing a figure, and so without matplotlib."""

import re

from aurl.system import plugins
from aurl.system.errors import AurlError

FOLDER = "aurl.report.figures"
EXTENSIONS = ("svg", "png", "pdf")  # the formats of every figure


def figure_names() -> tuple[str, ...]:
    """List the figures of the folder in page order.

    Raises: AurlError if a file does not state its place on the page.
    """
    return tuple(sorted(plugins.names(FOLDER), key=lambda name: (_order(name), name)))


def figure_files() -> tuple[tuple[str, str], ...]:
    """List (figure, extension) of every file that the `figures` stage writes, in page order."""
    return tuple((name, extension) for name in figure_names() for extension in EXTENSIONS)


def _order(name: str) -> int:
    """Read a figure's ORDER from its text: an import of the file would load matplotlib."""
    stated = re.search(
        r"^ORDER = (\d+)\b", (plugins.PACKAGE / "report/figures" / f"{name}.py").read_text(), re.MULTILINE
    )
    if stated is None:
        raise AurlError(f"aurl/report/figures/{name}.py: write its place on the page, such as 'ORDER = 95'")
    return int(stated[1])

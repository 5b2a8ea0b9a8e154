"""List the tables and their formats, without importing any of them."""

from aurl.system.plugins import names

FOLDER = "aurl.report.tables"
EXTENSIONS = ("csv", "md", "tex", "html")


def table_names() -> list[str]:
    """List the tables, sorted: the names of the folder's files."""
    return names(FOLDER)

"""The tables of an experiment: each file of this folder is one table, and `base.py` says what it must hold."""

from aurl.system.plugins import names

EXTENSIONS = ("csv", "md", "tex", "html")


def table_names() -> list[str]:
    """List the tables, sorted: the names of this folder's files."""
    return names(__name__)

"""The marked code blocks of the documentation's pages: commands to run, what they print, files to write."""

import re

from repositories import REPOSITORY

DOCS = REPOSITORY / "docs"
MARKED = re.compile(
    r"^<!-- (run|shows|params|file \S+|add \S+ before \S+|add \S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


def marked_blocks(page: str) -> list[tuple[str, str]]:
    """The marked code blocks of a page below docs/, (mark, text), in order."""
    return MARKED.findall((DOCS / page).read_text())


def file_of(page: str, path: str) -> str:
    """The contents of the file `path` that a page shows."""
    (text,) = [text for mark, text in marked_blocks(page) if mark == f"file {path}"]
    return text


def touched(page: str) -> dict[str, str]:
    """The files that a page writes or adds to: path -> `new` or `edited`; its `params` blocks edit params.yaml."""
    kinds = {"file": "new", "add": "edited"}
    words = [mark.split() for mark, _ in marked_blocks(page)]
    listed = {word[1]: kinds[word[0]] for word in words if word[0] in kinds}
    return listed | ({"params.yaml": "edited"} if ["params"] in words else {})

"""Run the code cells of a notebook without Jupyter."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any


def read_notebook(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook of format 4."""
    content = json.loads(path.read_text())
    assert content["nbformat"] == 4
    return list(content["cells"])


def run_notebook(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Run the code cells in order; returns what each has printed, and the names that they leave."""
    names: dict[str, Any] = {}
    printed = []
    for number, cell in enumerate(read_notebook(path)):
        if cell["cell_type"] == "code":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile("".join(cell["source"]), f"{path.name} cell {number}", "exec"), names)
            printed.append(output.getvalue())
    return printed, names


def stored_output(path: Path) -> list[str]:
    """What each code cell of a notebook has printed when it was saved."""
    return ["".join(line for output in cell["outputs"] for line in output.get("text", []))
            for cell in read_notebook(path) if cell["cell_type"] == "code"]  # fmt: skip

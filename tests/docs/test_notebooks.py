"""docs/notebooks: the code cells run from an empty folder, without Jupyter, and print what is stored."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from notebooks import read_notebook, run_notebook, stored_output
from pages import DOCS
from PIL import Image

import aurl

NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_whole(notebook: Path) -> None:
    """Its cells have what format 4.5 requires: a type, an id of their own, sources; code cells also outputs."""
    cells = read_notebook(notebook)
    assert len({cell["id"] for cell in cells}) == len(cells) > 4
    for cell in cells:
        wanted = {"cell_type", "id", "metadata", "source"}
        wanted |= {"outputs", "execution_count"} if cell["cell_type"] == "code" else set()
        assert cell.keys() == wanted
    assert notebook.parent.name in "".join((DOCS / "scoring.md").read_text())


def test_a_score_file_becomes_a_table_and_a_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    printed, names = run_notebook(DOCS / "notebooks/scores.ipynb")
    assert printed == stored_output(DOCS / "notebooks/scores.ipynb")
    assert set(names["table"].protocol) == {protocol.name for protocol in aurl.protocols("ucf101")}
    with np.load("clip.npz") as file:
        assert file["scores"].shape == (13320, 101)
    with Image.open("protocols.png") as picture:
        assert picture.size == (1050, 600)
        assert len(np.unique(np.asarray(picture.convert("L")))) > 10, "something is drawn"

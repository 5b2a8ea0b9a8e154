"""What every table must do: those of the folder, and one in a file outside the package."""

import csv
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from outside import write_part
from table_sources import table_sources

from aurl.experiment.presets import load_preset
from aurl.experiment.settings import Experiment
from aurl.pipeline.code import code_of
from aurl.pipeline.outputs import TABLE_FORMATS, TABLES, table_names
from aurl.pipeline.stages import STAGES
from aurl.report.table_formats import FORMATS
from aurl.report.tables.base import Table
from aurl.report.write_tables import make_table, write_tables
from aurl.system import plugins
from aurl.system.errors import AurlError

REPOSITORY = Path(__file__).resolve().parents[2]
HOSTILE = "<b>R&D</b> 100 % {$x_1$} ~^\\"
OUTSIDE = '''"""Make a table of the test sets: a table outside the package."""

from aurl.report.tables.base import Cell, Sources, Table

TITLE = "Best variant"


def make_table(sources: Sources) -> Table:
    """Make one row for each test set that was tested on: the best top-1 of all variants."""
    rows, cells = [], []
    for test_set in sources.report.test_sets.values():
        measured = [sources.results.cell(name, test_set.dataset, 1, 1, "top1") for name in sources.labels]
        found = [cell for cell in measured if cell is not None]
        if found:
            rows.append(test_set.label)
            cells.append(Cell(max(found, key=lambda cell: cell.mean), None, 1))
    return Table(f"{sources.report.title}: best", {"Test set": rows}, {"top-1": cells}, list(sources.notes), False)
'''


@pytest.fixture
def experiment(monkeypatch: pytest.MonkeyPatch) -> Experiment:
    monkeypatch.chdir(REPOSITORY)
    return load_preset("micro")


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table in a file that is not in the package."""
    return write_part(tmp_path, monkeypatch, "outside_tables.best", OUTSIDE, enter=False)


def check_table(name: str, experiment: Experiment, folder: Path) -> Table:
    """Check one table, by its name in the folder or by a dotted name; return it as it is with measurements."""
    part: ModuleType = plugins.load(TABLES, name)
    assert (part.__doc__ or "").strip(), "says what it is"
    assert isinstance(part.TITLE, str)
    assert part.TITLE
    (folder / "measured").mkdir()
    (folder / "empty").mkdir()
    hostile = experiment.report.model_copy(update={"title": HOSTILE, "setting": HOSTILE})
    shown = experiment.model_copy(update={"report": hostile})
    sources = table_sources(shown, folder / "measured")
    table = make_table(name, sources)
    _check_text(table, part.TITLE)
    _check_formats(name, table, folder)
    assert _rendered(make_table(name, sources)) == _rendered(table), "equal sources give equal bytes"
    empty = make_table(name, table_sources(shown, folder / "empty", measured=False))
    _check_empty(empty, table)
    return table


def _check_text(table: Table, title: str) -> None:
    assert table.title == title
    assert table.caption.startswith(HOSTILE)
    assert len(table.caption) > len(HOSTILE) + 2
    assert table.notes
    assert all(note == note.strip() and note for note in table.notes)
    lengths = {len(column) for column in [*table.text.values(), *table.quantities.values(), *table.csv_text.values()]}
    assert len(lengths) == 1, "every column has the same rows"
    assert lengths != {0}


def _check_formats(name: str, table: Table, folder: Path) -> None:
    files = {(name, extension): folder / f"table.{extension}" for extension in TABLE_FORMATS}
    write_tables({name: table}, files)
    texts = {extension: path.read_text() for (_, extension), path in files.items()}
    assert texts == _rendered(table)
    rows = list(csv.DictReader(io.StringIO(texts["csv"])))
    assert len(rows) == len(next(iter(table.text.values())))
    for row in rows:
        for column in row.keys() - table.text.keys():
            assert row[column] == "" or float(row[column]) == float(row[column]), "numbers in columns of their own"
    assert HOSTILE not in texts["html"]
    assert "&lt;b&gt;R&amp;D&lt;/b&gt; 100 % {$x_1$}" in texts["html"]
    assert r"R\&D</b> 100 \% \{\$x\_1\$\} \textasciitilde{}\textasciicircum{}\textbackslash{}" in texts["tex"]
    assert f"**{table.caption}**" in texts["md"]
    for note in table.notes:
        assert f"- {note}\n" in texts["md"]


def _check_empty(empty: Table, full: Table) -> None:
    """Without measurements: no measured number is shown, and every format is written."""
    assert empty.title == full.title
    ours = [cell.measured for cells in empty.quantities.values() for cell in cells if cell.measured is not None]
    assert not [measured for measured in ours if measured.origin is not None], "no number from metrics.csv"
    assert not full.quantities or list(empty.quantities) == list(full.quantities)
    assert empty.quantities or not any(empty.text.values())
    assert all(text.endswith("\n") for text in _rendered(empty).values())


def _rendered(table: Table) -> dict[str, str]:
    return {extension: FORMATS[extension](table) for extension in TABLE_FORMATS}


@pytest.mark.parametrize("name", table_names())
def test_every_table_of_the_folder_keeps_the_contract(name: str, experiment: Experiment, tmp_path: Path) -> None:
    check_table(name, experiment, tmp_path)


def test_a_table_outside_the_package_keeps_the_contract(outside: str, experiment: Experiment, tmp_path: Path) -> None:
    table = check_table(outside, experiment, tmp_path)
    assert table.text["Test set"] == ["UCF-like", "HMDB-like"]
    assert len(table.values()) == 2


def test_the_check_finds_a_table_without_notes_or_with_text_among_its_numbers(
    outside: str, experiment: Experiment, tmp_path: Path
) -> None:
    table = make_table(outside, table_sources(experiment, tmp_path))
    for change in ({"notes": []}, {"text": {"Test set": ["one"]}}, {"notes": [" "]}):
        with pytest.raises(AssertionError):
            _check_text(replace(table, caption=f"{HOSTILE}: best", **change), table.title)


def test_the_folder_is_the_list(experiment: Experiment) -> None:
    assert table_names() == ["ablation", "methods", "protocols", "sota", "tau_sweep"]
    assert list(FORMATS) == list(TABLE_FORMATS)
    with pytest.raises(AurlError, match="did you mean 'ablation'"):
        plugins.load(TABLES, "ablaton")


def test_the_list_of_tables_imports_nothing_heavy() -> None:
    code = "import sys, aurl.pipeline.outputs as t; t.table_names(); print(*{'pandas', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_every_table_is_code_of_the_stage() -> None:
    code = code_of(STAGES["tables"])
    assert {f"aurl/report/tables/{name}.py" for name in table_names()} <= set(code)
    assert "aurl/semantics/tau_sweep.py" in code, "with what the tables import"

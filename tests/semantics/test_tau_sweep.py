"""The strict-label filter at other thresholds: rows, table, figure, and the documented sweep."""

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_world import nothing_measured
from hypothesis import given
from hypothesis import strategies as st

from aurl.experiment.presets import load_preset
from aurl.experiment.settings import DatasetSettings
from aurl.report.drawing.draw import draw_figures
from aurl.report.drawing.style import encode
from aurl.report.figures.tau_sweep import draw_sweep
from aurl.report.table_notes import describe_dataset
from aurl.report.tables.tau_sweep import no_sweep_table, sweep_table
from aurl.report.write_tables import write_tables
from aurl.semantics.classes import ClassEmbeddings, read_seen_table
from aurl.semantics.embedding import embed_dataset
from aurl.semantics.seen import filter_seen, seen_class_table, write_seen_table
from aurl.semantics.tau_sweep import REMOVED, TAUS, borderline, tau_sweep

REPOSITORY = Path(__file__).resolve().parents[2]
ROWS = [  # class, distance, nearest test class
    ("run", 0.0, "Running"), ("sprint", -2e-16, "Running"), ("jog & $walk_1$", 0.05, "Running"),
    ("row", 0.0499999999999, "Rowing"), ("paddle", 0.05000000000001, "Rowing"), ("knit", 0.7, "Rowing"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def in_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    return written([(name, distance, near) for name, distance, near in ROWS], tmp_path / "seen_classes.csv")


def written(rows: list[tuple[str, float, str]], path: Path) -> Path:
    names, distances, near = zip(*rows, strict=True)
    table = {"class": names, "kept": True, "distance": distances, "nearest_class": near, "nearest_dataset": "ucf"}
    write_seen_table(pd.DataFrame(table), path)
    return path


def test_rows_say_what_stays_and_what_goes(seen: Path) -> None:
    swept = tau_sweep(seen, [0.05, 0, 0.2, 0.01], {"run": 5, "row": 7, "paddle": 11, "knit": 13, "unknown": 99})
    assert list(swept.columns) == ["tau", "classes kept", "classes removed", "videos kept", REMOVED]
    assert swept["tau"].tolist() == [0, 0.01, 0.05, 0.2]
    assert swept["classes kept"].tolist() == [6, 4, 3, 1]
    assert swept["classes removed"].tolist() == [0, 2, 3, 5]
    assert swept["videos kept"].tolist() == [36, 31, 24, 13]
    assert swept[REMOVED].tolist() == [
        [],
        ["run (Running 0.0000)", "sprint (Running 0.0000)"],
        ["row (Rowing 0.0500)"],
        ["jog & $walk_1$ (Running 0.0500)", "paddle (Rowing 0.0500)"],
    ]


def test_default_thresholds_and_no_videos(seen: Path) -> None:
    swept = tau_sweep(seen)
    assert swept["tau"].tolist() == list(TAUS) == [round(0.01 * step, 2) for step in range(21)]
    assert "videos kept" not in swept
    assert [len(names) for names in swept[REMOVED]] == [0, 2, 0, 0, 0, 1, 2, *[0] * 14]


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_the_sweep_decides_as_the_filter_even_at_a_distance(
    tmp_path_factory: pytest.TempPathFactory, seed: int, at: int
) -> None:
    """Also with tau exactly at, just above and just below the distance of a class, after the file."""
    rng = np.random.default_rng(seed)
    vectors = {"seen": rng.normal(size=(8, 5)), "test": rng.normal(size=(4, 5))}
    embedded = {
        name: ClassEmbeddings([f"{name}{i}" for i in range(len(rows))], rows, {}, {}) for name, rows in vectors.items()
    }
    path = tmp_path_factory.mktemp("sweep") / "seen_classes.csv"
    table = seen_class_table(embedded["seen"], {"test": embedded["test"]}, 0.3)
    write_seen_table(table, path)
    assert read_seen_table(path).equals(table), "every digit"
    distance = table["distance"][at]
    taus = [0.0, 0.01, np.nextafter(distance, 0), distance, np.nextafter(distance, 2), 0.3, 1.0]
    for row in tau_sweep(path, taus).itertuples():
        assert row[2] == filter_seen(vectors["seen"], vectors["test"], row.tau).sum()


def test_borderline_classes_are_the_nearest_to_tau(seen: Path) -> None:
    assert borderline(seen, 0.05, 3)["class"].tolist() == ["row", "jog & $walk_1$", "paddle"]
    assert len(borderline(seen, 0.05, 100)) == len(ROWS)


def test_table_holds_the_experiments_tau_and_names_in_every_format(seen: Path, tmp_path: Path) -> None:
    many = [(f"close {number:02}", 0.031 + number / 1e4, "Running") for number in range(12)]
    path = written([*ROWS, *many], tmp_path / "many.csv")
    table = sweep_table(path, 0.035, {"knit": 3, "close 00": 4}, "A title")
    files = {
        ("tau_sweep", extension): tmp_path / f"tau_sweep.{extension}" for extension in ("csv", "md", "tex", "html")
    }
    write_tables({"tau_sweep": table}, files)
    with files["tau_sweep", "csv"].open(newline="") as handle:
        rows = {row["tau"]: row for row in csv.DictReader(handle)}
    assert list(rows) == [f"{tau:g}" for tau in sorted([*TAUS, 0.035])]
    assert rows["0"]["classes kept"] == "18"
    assert rows["0"]["videos kept"] == "7"
    assert rows["0.035"]["videos kept"] == "3"
    assert rows["0.035"][REMOVED].count("; ") == 12 - 1, "all of them"
    assert rows["0.035"][REMOVED].endswith("close 11 (Running 0.0321)")
    markdown = files["tau_sweep", "md"].read_text()
    assert "close 04 (Running 0.0314) and 7 more" in markdown
    assert "close 05" not in markdown
    assert "The experiment's tau is 0.035" in markdown
    assert "A title: strict labels by tau" in markdown
    assert r"jog \& \$walk\_1\$" in files["tau_sweep", "tex"].read_text()
    assert r"p{0.5\textwidth}" in files["tau_sweep", "tex"].read_text()
    assert "jog &amp; $walk_1$" in files["tau_sweep", "html"].read_text()


def test_figure_tells_what_stays_and_takes_any_name(seen: Path) -> None:
    drawing = draw_sweep(seen, 0.05)
    assert drawing.alt.startswith("3 of 6 seen classes stay at tau 0.05.")
    left, right = drawing.figure.axes
    assert [left.lines[0].get_ydata()[at] for at in (0, 1, -1)] == [6, 4, 1], "at tau 0, the least distance and 0.2"
    stays, removed, _ = right.lines
    assert list(stays.get_xdata()) == [0.05, 0.05000000000001, 0.7]
    assert list(removed.get_xdata()) == [-2e-16, 0.0, 0.0499999999999]
    assert "jog & $walk_1$ / Running" in [label.get_text() for label in right.get_yticklabels()]


@pytest.mark.parametrize("tau", [0.0, 0.05, 2.0])
def test_figure_of_one_class_at_any_tau(tmp_path: Path, tau: float) -> None:
    path = written([("run", 1.2, "Running")], tmp_path / "seen_classes.csv")
    assert encode(draw_sweep(path, tau).figure)["pdf"].startswith(b"%PDF")


def test_table_and_figure_where_data_are_missing(tmp_path: Path) -> None:
    files = {
        ("tau_sweep", extension): tmp_path / f"tau_sweep.{extension}" for extension in ("csv", "md", "tex", "html")
    }
    write_tables({"tau_sweep": no_sweep_table("A title")}, files)
    assert files["tau_sweep", "csv"].read_text() == f"tau,classes kept,classes removed,{REMOVED}\n"
    assert all("Data are missing" in path.read_text() for (_, kind), path in files.items() if kind != "csv")
    (drawing,) = draw_figures(nothing_measured(tmp_path), ["tau_sweep"])
    assert drawing.caption == "Nothing was measured yet."


def test_notes_on_a_dataset_whose_tokens_come_from_its_names(tmp_path: Path) -> None:
    manifest, embeddings = tmp_path / "own.csv", tmp_path / "own.safetensors"
    manifest.write_text("path,class,status,reason\na.mp4,throwing ball,ok,\nb.mp4,zzyxing,ok,\n")
    encoder = load_preset("micro").semantics.encoder
    encoder = encoder.model_copy(update={"missing": "drop_class"})
    embed_dataset(manifest, "leave_out", "lemmas", encoder, embeddings)
    source = load_preset("micro").datasets["micro_ucf"].source
    settings = DatasetSettings(source=source, tokens="lemmas", broken="leave_out", shards=1)
    told = describe_dataset("own", settings, manifest, embeddings)
    assert told == "own: 2 of 2 videos usable, 2 classes; classes dropped for unknown words: zzyxing (zzyxing)"


def test_documented_sweep_is_what_the_tool_gives() -> None:
    spec = importlib.util.spec_from_file_location("sweep", "tools/tau_sweep_page.py")
    assert spec is not None
    assert spec.loader is not None
    sweep = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sweep)
    text = sweep.report()
    assert f"<!-- {sweep.SECTION} -->\n{text}<!-- end -->\n" in sweep.DOCUMENT.read_text()
    assert "36 classes of kinetics700 have the words of a test class; 31 of them are embedded" in text
    assert "- 0.05: throwing discus (JavelinThrow 0.0425); canoeing or kayaking (Kayaking 0.0469)\n- 0.08" in text

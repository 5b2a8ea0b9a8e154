"""Check what every figure promises: those of the folder, and one from outside the package."""

import itertools
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from figure_world import PARTS, VARIANTS, build, nothing_measured
from matplotlib.axes import Axes
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text
from outside import write_part
from pages import file_of
from repositories import REPOSITORY

from aurl.pipeline.outputs import FIGURE_FORMATS, FIGURES, figure_files, figure_names
from aurl.report.drawing.draw import draw_figures
from aurl.report.drawing.style import Drawing, bar_style, encode, line_style, point_style, stroke_style, styled
from aurl.report.figures import training
from aurl.report.figures.base import SETTINGS, FigureData
from aurl.system import plugins
from aurl.system.errors import AurlError

BEGINNINGS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
LABELS = ["UCF-like", "HMDB-like", "A long label of a third test set", "Fourth", "Fifth", "Sixth"]
MANY = [*VARIANTS, "ls_e2e", "aurl_no_cg", *(f"a_long_variant_{number}" for number in range(7))]


@dataclass(frozen=True)
class Worlds:
    """Experiments: nothing measured, one seed, two seeds, and two seeds with other values."""

    empty: FigureData
    single: FigureData
    several: FigureData
    other: FigureData


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    folder = tmp_path_factory.mktemp("worlds")
    return Worlds(
        nothing_measured(folder / "empty"), build(folder / "single", seeds=[3]), build(folder / "several"),
        build(folder / "other", random_seed=1),
    )  # fmt: skip


def check_figure(name: str, worlds: Worlds) -> None:
    """Check a figure; a dotted name is a module from outside the package."""
    module = plugins.load(FIGURES, name)
    assert name.rpartition(".")[2] == module.NAME
    assert module.TITLE
    assert isinstance(module.ORDER, int)
    assert module.__doc__
    (empty,) = draw_figures(worlds.empty, [name])
    assert (empty.name, empty.caption) == (module.NAME, "Nothing was measured yet.")
    (single,) = draw_figures(worlds.single, [name])
    (drawing,) = draw_figures(worlds.several, [name])
    (other,) = draw_figures(worlds.other, [name])
    for measured in (single, drawing, other):
        assert measured.caption != empty.caption
        for text in (measured.caption, measured.alt):
            assert text.endswith(".")
        assert re.search(r"\d", measured.alt), "the alternative text states values"
    assert drawing.alt != other.alt, "the values are those of the data"
    contents = encode(drawing.figure)
    assert list(contents) == list(FIGURE_FORMATS)
    for extension, content in contents.items():
        assert content.startswith(BEGINNINGS[extension])
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True, "savefig.dpi": 30}):
        (repeated,) = draw_figures(worlds.several, [name])
        assert encode(repeated.figure) == contents, "equal data give equal bytes, whatever the user's own style is"
    assert (repeated.caption, repeated.alt) == (drawing.caption, drawing.alt)


@pytest.mark.parametrize("name", plugins.names(FIGURES))
def test_figure_keeps_the_contract(name: str, worlds: Worlds) -> None:
    check_figure(name, worlds)


def test_a_figure_from_outside_keeps_the_contract(
    worlds: Worlds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that the documentation shows."""
    text = file_of("how-to/figure.md", "aurl/report/figures/top5.py")
    check_figure(write_part(tmp_path, monkeypatch, "outside_figures.top5", text, enter=False), worlds)


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 3, 5, 6])
def test_any_number_of_test_sets_and_variants(number: int, tmp_path: Path) -> None:
    """Panels wrap and do not overlap, every text stays inside, and no two labels of a legend look the same."""
    labels = LABELS[:number]
    datasets = {f"set_{position}": label for position, label in enumerate(labels)}
    data = build(tmp_path, datasets, MANY if number in (1, 5) else VARIANTS, seeds=[0])
    drawings = {drawing.name: drawing for drawing in draw_figures(data)}
    for name, drawing in drawings.items():
        with styled(), warnings.catch_warnings():
            warnings.simplefilter("error")  # matplotlib warns where panels have no room
            drawing.figure.draw_without_rendering()
        check_layout(drawing.figure, name)
        check_legends(drawing.figure, name)
    for label in labels:
        for name in ("ablation", "alignment_uniformity", "splits", "classes", "clips"):
            assert label in drawings[name].alt, name
        assert any(label in title for title in titles(drawings["classes"]))
        assert label in titles(drawings["alignment_uniformity"])
        assert label in titles(drawings["clips"])
    assert legend_texts(drawings["clips"].figure.legends[0]) == list(data.variants.values())
    assert legend_texts(drawings["training"].figure.legends[0]) == list(data.variants.values())
    assert legend_texts(drawings["ablation"].figure.axes[0].get_legend()) == labels


def titles(drawing: Drawing) -> list[str]:
    return [axes.get_title() for axes in drawing.figure.axes]


def legend_texts(legend: Any) -> list[str]:
    return [text.get_text() for text in legend.get_texts()]


def check_layout(figure: Figure, name: str) -> None:
    """Fail where panels overlap, or a legend, a title or a tick label leaves the figure."""
    boxes = [axes.get_window_extent() for axes in figure.axes if axes.axison]
    for one, other in itertools.combinations(boxes, 2):
        across = min(one.x1, other.x1) - max(one.x0, other.x0)
        along = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert across <= 1 or along <= 1, f"{name}: panels overlap"
    width, height = figure.bbox.size
    shown = [axes for axes in figure.axes if axes.axison]
    inside = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    for axes in shown:
        low, high = axes.get_xlim()
        inside += [axes.title, axes.xaxis.label, axes.yaxis.label]
        inside += [text for text in axes.get_xticklabels() if low <= text.get_position()[0] <= high]
    for artist in (each for each in inside if not isinstance(each, Text) or each.get_text()):
        box = artist.get_window_extent()
        assert min(box.x0, box.y0) >= -1, f"{name}: {artist} is cut off"
        assert box.x1 <= width + 1, f"{name}: {artist} is cut off"
        assert box.y1 <= height + 1, f"{name}: {artist} is cut off"


def check_legends(figure: Figure, name: str) -> None:
    """Fail where two labels of a panel, or of the figure's legend, look the same."""
    looks: dict[str, Any] = {}
    for axes in figure.axes:
        of_panel = dict(looks_of(axes))
        assert len(set(of_panel.values())) == len(of_panel), f"{name}: two labels look the same"
        for label, look in of_panel.items():
            assert looks.setdefault(label, look)[0] == look[0], f"{name}: a label has another colour in another panel"
    for legend in figure.legends:
        of_legend = [looks[label] for label in legend_texts(legend) if label in looks]
        assert len(set(of_legend)) == len(of_legend), f"{name}: two labels look the same"


def looks_of(axes: Axes) -> Iterator[tuple[str, Any]]:
    """Describe colour, shape and line of every labelled artist of a panel."""
    for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
        if isinstance(handle, ErrorbarContainer):
            handle = handle.lines[0]
        if isinstance(handle, BarContainer):
            bar = handle.patches[0]
            yield label, (bar.get_facecolor(), bar.get_hatch())
        elif hasattr(handle, "get_marker"):
            yield label, (handle.get_color(), handle.get_marker(), str(handle._unscaled_dash_pattern))
        else:
            shape = handle.get_paths()[0].vertices.tobytes()
            yield label, (handle.get_facecolor().tobytes(), handle.get_edgecolor().tobytes(), shape)


def test_styles_do_not_repeat() -> None:
    for style, number in ((point_style, 40), (line_style, 120), (stroke_style, 24), (bar_style, 32)):
        assert len({str(style(position)) for position in range(number)}) == number


def test_schedules_look_different(tmp_path: Path) -> None:
    data = build(tmp_path, {"set_0": "One"}, MANY, seeds=[0])
    for number, steps in enumerate(data.steps.values()):
        steps["rate"] *= 1 + number
    with styled():
        axes = Figure().subplots()
        training.draw_rates(axes, data.steps, data.variants)
    assert len(set(dict(looks_of(axes)).values())) == len(MANY)


def test_training_draws_every_part_of_the_loss(tmp_path: Path) -> None:
    """A part without a known symbol comes last, under the name of its column."""
    parts = {**PARTS, "ls": ["spread", "seen"], "aurl": ["seen", "centres", "synthetic"]}
    (drawing,) = draw_figures(build(tmp_path, parts=parts), ["training"])
    panels = {axes.get_ylabel(): axes for axes in drawing.figure.axes if axes.lines}
    assert list(panels) == [
        "loss", "training top-1 [%]", "MSE, weighted", "L_S, weighted", "L_C, weighted", "L_US, weighted",
        "spread, weighted", "learning rate",
    ]  # fmt: skip
    assert [line.get_label() for line in panels["spread, weighted"].lines][-1] == "Base w/ L_S"


def test_figures_read_the_settings_that_they_state(worlds: Worlds) -> None:
    read = set()

    class Spy(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            read.add(key)
            return super().__getitem__(key)

    draw_figures(FigureData(worlds.single.inputs, Spy(worlds.single.settings)))
    assert read == set(SETTINGS)


def test_the_folder_is_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(figure_names()) == plugins.names(FIGURES)
    orders = [plugins.load(FIGURES, name).ORDER for name in figure_names()]
    assert orders == sorted(orders)
    assert figure_files()[:4] == [*(("ablation", extension) for extension in FIGURE_FORMATS), ("sphere", "svg")]
    folder = tmp_path / "aurl/report/figures"
    folder.mkdir(parents=True)
    (folder / "late.py").write_text("ORDER = 95\n")
    (folder / "early.py").write_text("ORDER = 5\n")
    monkeypatch.setattr(plugins, "PACKAGE", tmp_path / "aurl")
    assert figure_names() == ["early", "late"]
    (folder / "late.py").write_text("ORDERS = 95\n")
    with pytest.raises(AurlError, match=r"figures/late\.py: write its place on the page, such as 'ORDER = 95'"):
        figure_names()


def test_the_list_of_figures_loads_nothing_heavy() -> None:
    code = "import sys; from aurl.pipeline.outputs import figure_files; figure_files(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert not {"matplotlib", "numpy", "pandas", "torch"} & set(done.stdout.split())

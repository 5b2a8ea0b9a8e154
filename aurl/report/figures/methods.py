"""Draw top-1 of every method on the same videos, with and without the correction for hubs."""

from collections.abc import Mapping

from matplotlib.axes import Axes

from aurl.report.drawing.style import Drawing, empty_drawing, legend_below, over_seeds, panels, point_style
from aurl.report.figures.base import FigureData
from aurl.report.method_rows import rows_of_networks
from aurl.report.results import Measured

NAME, TITLE = "methods", "Methods on the same videos"
ORDER = 95
SERIES = {"top1": "scores as they are", "csls_seen_top1": "CSLS with seen videos"}  # column -> label
LINE, FRAME = 0.2, 1.4  # inches a row, and around the panels


def draw(data: FigureData) -> Drawing:
    """Draw a panel for each test set, a row for each network and each method: mean and standard deviation."""
    rows = data.networks_and_methods if data.methods else {}
    repeated = rows_of_networks(data.methods).values()
    measured = {row: label for row, label in rows.items() if row not in repeated and _cells(data, row, "top1")}
    if not set(measured) & set(data.methods):
        return empty_drawing(NAME, TITLE)
    figure, grid = panels(data.test_sets.values(), FRAME + LINE * len(measured))
    sentences = []
    for axes, (dataset, label) in zip(grid, data.test_sets.items(), strict=True):
        means = draw_panel(axes, data, dataset, measured)
        axes.set_yticks(range(len(measured)), list(measured.values()), fontsize="x-small")
        axes.invert_yaxis()
        sentences.append(f"{label}: {', '.join(f'{name} {mean:.1f}' for name, mean in means.items())}.")
    legend_below(figure, grid)
    caption = (
        f"Top-1 over all classes, 1 row for each network or method; {over_seeds(data.results.seeds)}. Open marks are the"
        " same scores after CSLS with seen videos, which corrects for hubs. The numbers stand in the table of methods."
    )
    return Drawing(NAME, TITLE, caption, f"Top-1 in percent. {' '.join(sentences)}", figure)


def draw_panel(axes: Axes, data: FigureData, dataset: str, rows: Mapping[str, str]) -> dict[str, float]:
    """Draw one test set. Returns: label of a row -> mean top-1 in percent."""
    means = {}
    for number, (column, label) in enumerate(SERIES.items()):
        cells = {place: cell for place, row in enumerate(rows) if (cell := _cell(data, row, dataset, column))}
        style = point_style(number)
        if number:
            style["markerfacecolor"] = "none"
        axes.errorbar(
            [cell.mean for cell in cells.values()], list(cells), xerr=[cell.std or 0.0 for cell in cells.values()],
            linestyle="none", label=label, **style,
        )  # fmt: skip
        if column == "top1":
            means = {list(rows.values())[place]: cell.mean for place, cell in cells.items()}
    axes.set_xlabel("top-1 [%], all classes")
    axes.grid(axis="y", linewidth=0.3)
    return means


def _cells(data: FigureData, row: str, column: str) -> list[Measured]:
    cells = (_cell(data, row, dataset, column) for dataset in data.test_sets)
    return [cell for cell in cells if cell is not None]


def _cell(data: FigureData, row: str, dataset: str, column: str) -> Measured | None:
    if column != "top1":
        row = rows_of_networks(data.methods).get(row, row)
    return data.results.cell(row, dataset, data.ablation_clips, 1, column)

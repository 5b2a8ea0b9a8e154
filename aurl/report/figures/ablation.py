"""Draw top-1 of every variant on the test sets, and closeness against dispersion: the ablation table as a figure."""

import numpy as np
from matplotlib.axes import Axes

from aurl.evaluation.labels import counted
from aurl.report.drawing.properties import draw_properties, explain_many
from aurl.report.drawing.style import (
    LINES,
    WIDTH,
    Drawing,
    bar_style,
    empty_drawing,
    legend_columns,
    name_ticks,
    new_figure,
    over_seeds,
)
from aurl.report.figures.base import FigureData
from aurl.report.results import Measured

NAME, TITLE = "ablation", "Ablation: top-1, closeness and dispersion"
ORDER = 10
DOTTED = (0, (1, 1.5))
LEFT = 0.6 * WIDTH  # inches


def draw(data: FigureData) -> Drawing:
    """Draw bars of top-1 (all classes), and closeness against dispersion on the ablation table's test set."""
    measured = {dataset: [data.top1(row, dataset) for row in data.rows] for dataset in data.test_sets}
    if not any(cell for cells in measured.values() for cell in cells):
        return empty_drawing(NAME, TITLE)
    figure = new_figure(4)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    draw_top1(left, data, measured)
    draw_ceilings(left, data)
    draw_properties(right, data, data.closeness_set)
    explain_many(figure, [right], data)
    names, sentences = data.rows.values(), []
    for dataset, label in data.test_sets.items():
        values = [f"{name} {cell.mean:.1f}" for name, cell in zip(names, measured[dataset], strict=True) if cell]
        sentences.append(f"{label}: {', '.join(values)}.")
    caption = (
        f"Left: top-1 over all classes, {counted(data.ablation_clips, 'clip')} a video,"
        f" {over_seeds(data.results.seeds)}; dashed lines are chance{_ceilings(data)}. Right: closeness (smaller is better)"
        f" against dispersion (larger is better) on {data.test_sets[data.closeness_set]}."
    )
    outside = [label for name, label in data.rows.items() if name not in data.variants]
    if outside:
        caption += (
            f" From outside, perhaps of another track and with other clips (see the table): {', '.join(outside)}."
        )
    return Drawing(NAME, TITLE, caption, f"Bars of top-1 in percent. {' '.join(sentences)}", figure)


def draw_ceilings(axes: Axes, data: FigureData) -> None:
    """Draw what the linear map of the words attains, as a line over the methods, where the test sets are rendered."""
    for number, dataset in enumerate(data.test_sets):
        if dataset in data.ceilings:
            attained = data.ceilings[dataset].linear
            axes.axhline(attained, color=bar_style(number)["color"], linestyle=DOTTED, linewidth=1.4)


def _ceilings(data: FigureData) -> str:
    """Explain the dotted lines in the caption, where there are any."""
    shown = [
        f"{data.ceilings[name].linear:.1f} on {label}"
        for name, label in data.test_sets.items()
        if name in data.ceilings
    ]
    return f", dotted lines the linear map of the words ({', '.join(shown)}; see the table)" if shown else ""


def draw_top1(axes: Axes, data: FigureData, measured: dict[str, list[Measured | None]]) -> None:
    """Draw the mean over seeds as bars, the standard deviation as whiskers, and chance as a dashed line."""
    width = 0.8 / len(measured)
    for number, (dataset, cells) in enumerate(measured.items()):
        positions = np.arange(len(cells)) + (number - (len(measured) - 1) / 2) * width
        style = bar_style(number)
        axes.bar(
            positions, [cell.mean if cell else 0.0 for cell in cells], width,
            yerr=[cell.std or 0.0 if cell else 0.0 for cell in cells], capsize=3, label=data.test_sets[dataset], **style,
        )  # fmt: skip
        counts = data.results.counts(dataset)
        if counts is not None:
            dashed = LINES[1 + number % (len(LINES) - 1)]
            axes.axhline(100 / counts[1], color=style["color"], linestyle=dashed, linewidth=1)
    name_ticks(axes, list(data.rows.values()))
    axes.set_ylabel(f"top-1 [%], all classes, {counted(data.ablation_clips, 'clip')}")
    columns = legend_columns(list(data.test_sets.values()), LEFT)
    rows = -(-len(measured) // columns)
    axes.margins(y=0.22 if rows == 1 else 0.22 + 0.15 * (rows - 1))  # room for the legend
    axes.legend(
        title="dashed: chance; dotted: linear map" if data.ceilings else "dashed: chance",
        loc="upper center",
        ncols=columns,
    )

"""Draw the course of the trainings: loss, its parts, training top-1 and learning rate."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from aurl.report.drawing.curves import smoothed, steps_per_epoch
from aurl.report.drawing.style import LINES, Drawing, empty_drawing, legend_below, new_figure, stroke_style
from aurl.report.figures.base import LOG_COLUMNS, FigureData

NAME, TITLE = "training", "Training curves"
ORDER = 70
GREYS = ("black", "#8C8C8C", "#C4C4C4")
RATE_POINTS = 60
GRID = 4  # panels in a row
MOST_NAMES = 8  # that the panel of learning rates lists in full size
Logs = dict[tuple[str, int], pd.DataFrame]


def draw(data: FigureData) -> Drawing:
    """Draw a panel for loss, training top-1, learning rate and each loss term."""
    if not data.steps:
        return empty_drawing(NAME, TITLE)
    named = {"loss": "loss", "top1": "training top-1 [%]"}
    named |= {term: f"{symbol}, weighted" for term, symbol in loss_terms(data.steps.values(), data.symbols).items()}
    total = len(named) + 1
    rows = -(-(total + 1) // GRID)  # the last panel explains the rates
    figure = new_figure(0.5 + 2.5 * rows)
    grid = figure.subplots(rows, GRID, squeeze=False).ravel()
    for axes, (column, label) in zip(grid, named.items(), strict=False):
        draw_curves(axes, data.steps, data.variants, column)
        axes.set_ylabel(label)
    draw_rates(grid[len(named)], data.steps, data.variants)
    explained = grid[len(named)].get_legend_handles_labels()
    size = {"fontsize": "x-small"} if len(data.variants) > MOST_NAMES else {}
    grid[total].legend(*explained, title="learning rate", loc="center left", **size)
    for axes in grid[:total]:
        axes.set_xlabel("epochs")
    for axes in grid[total:]:
        axes.axis("off")
    legend_below(figure, grid[: len(named)])
    epochs = max(int(steps["epoch"].iloc[-1]) + 1 for steps in data.steps.values())
    caption = (
        "Each point is the mean over the epoch that ends there; a thick line is the mean over seeds, thin lines are the"
        " seeds. The parts of the loss are drawn as they enter it, with their weights. Learning rates are those of"
        " each step, not averaged."
    )
    last = ", ".join(f"{name} {value:.1f} %" for name, value in last_top1(data.steps, data.variants).items())
    alt = f"Curves over {epochs} epochs. Training top-1 in the last epoch, mean over seeds: {last}."
    return Drawing(NAME, TITLE, caption, alt, figure)


def loss_terms(logs: Iterable[pd.DataFrame], symbols: Mapping[str, str]) -> dict[str, str]:
    """Map every loss term that a log has to its symbol: the variants' terms first, then others under their names."""
    logged = dict.fromkeys(column for steps in logs for column in steps.columns if column not in LOG_COLUMNS)
    known = {term: symbol for term, symbol in symbols.items() if term in logged}
    return known | {term: term for term in logged if term not in known}


def last_top1(logs: Logs, variants: Mapping[str, str]) -> dict[str, float]:
    """Average training top-1 of the last epoch over seeds: label -> percent, of each variant that has a log."""
    values: dict[str, list[float]] = {}
    for variant, label in variants.items():
        for (name, _), steps in logs.items():
            if name == variant:
                values.setdefault(label, []).append(float(smoothed(steps, "top1")[1][-1]))
    return {label: float(np.mean(of_seeds)) for label, of_seeds in values.items()}


def draw_curves(axes: Axes, logs: Logs, variants: Mapping[str, str], column: str) -> None:
    """Draw a column's course for each variant: every seed thin, the mean over seeds thick."""
    for number, (variant, label) in enumerate(variants.items()):
        curves = [smoothed(steps, column) for (name, _), steps in logs.items() if name == variant and column in steps]
        if not curves:
            continue
        style = stroke_style(number)
        if len(curves) > 1:
            for epochs, values in curves:
                axes.plot(epochs, values, color=style["color"], linewidth=0.5, alpha=0.5)
        mean = np.mean([values for _, values in curves], axis=0)
        axes.plot(curves[0][0], mean, linewidth=1.6, label=label, **style)


def draw_rates(axes: Axes, logs: Logs, variants: Mapping[str, str]) -> None:
    """Draw the learning rate of each step; variants with equal schedules share a line."""
    schedules: dict[tuple[float, ...], list[str]] = {}
    for variant, label in variants.items():
        steps = next((steps for (name, _), steps in logs.items() if name == variant), None)  # equal for all seeds
        if steps is not None:
            schedules.setdefault((steps_per_epoch(steps), *steps["rate"]), []).append(label)
    for number, ((per_epoch, *rates), names) in enumerate(schedules.items()):
        chosen = np.unique(np.linspace(0, len(rates) - 1, RATE_POINTS).round().astype(int))
        axes.plot(
            chosen / per_epoch, np.array(rates)[chosen], color=GREYS[number // len(LINES) % len(GREYS)],
            linestyle=LINES[number % len(LINES)], label="\n".join(names),
        )  # fmt: skip
    axes.set_ylabel("learning rate")

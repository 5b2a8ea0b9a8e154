"""The course of the trainings: loss, its parts, training top-1 and learning rate."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from aurl.report.figures.style import LINES, Drawing, look, new_figure, nothing_yet
from aurl.system.text_files import made_again, read_csv

NAME, TITLE = "training", "Training curves"
COLUMNS = ["step", "epoch", "rate", "top1", "closeness", "dispersion", "loss"]
POINTS = 20  # of a curve
RATE_POINTS = 60
GRID = 4  # panels in a row


def read_steps(path: Path) -> pd.DataFrame:
    """The log of a training: step, epoch, rate, what was measured on the batch, the loss and its weighted parts.

    Raises: AurlError for a damaged file, or another one.
    """
    return read_csv(path, COLUMNS, made_again(path))


def smoothed(steps: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """A column as a mean over the epoch that ends at each of `POINTS` steps: epochs done, values.

    An unfinished first epoch is left out, so that every point averages as many steps.
    """
    per_epoch = steps_per_epoch(steps)
    means = steps[column].rolling(per_epoch).mean().to_numpy()
    chosen = np.unique(np.linspace(per_epoch - 1, len(steps) - 1, POINTS).round().astype(int))
    return (chosen + 1) / per_epoch, means[chosen]


def draw_training(
    logs: dict[tuple[str, int], pd.DataFrame], variants: list[str], symbols: Mapping[str, str]
) -> Drawing:
    """A panel for loss, training top-1, learning rate and each part of the loss.

    Args:
        logs: (variant, seed) -> what `read_steps` gives; imported networks have none.
        variants: all of them, for the same looks as in the other figures.
        symbols: loss term -> its symbol, for all terms of the variants, in the order of the panels.
    """
    if not logs:
        return nothing_yet(NAME, TITLE)
    logged = {name: symbol for name, symbol in symbols.items() if any(name in steps for steps in logs.values())}
    terms = {name: f"{symbol}, weighted" for name, symbol in logged.items()}
    named = {"loss": "loss", "top1": "training top-1 [%]", **terms}
    total = len(named) + 1
    rows = -(-(total + 1) // GRID)  # the last panel explains the rates
    figure = new_figure(0.5 + 2.5 * rows)
    grid = figure.subplots(rows, GRID, squeeze=False).ravel()
    for axes, (column, label) in zip(grid, named.items(), strict=False):
        draw_curves(axes, logs, variants, column)
        axes.set_ylabel(label)
    draw_rates(grid[len(named)], logs, variants)
    grid[total].legend(*grid[len(named)].get_legend_handles_labels(), title="learning rate", loc="center left")
    for axes in grid[:total]:
        axes.set_xlabel("epochs")
    for axes in grid[total:]:
        axes.axis("off")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(variants))
    trained = [variant for variant in variants if any(name == variant for name, _ in logs)]
    last = {
        variant: [float(smoothed(steps, "top1")[1][-1]) for (name, _), steps in logs.items() if name == variant]
        for variant in trained
    }
    told = ", ".join(f"{variant} {np.mean(values):.1f} %" for variant, values in last.items())
    epochs = max(int(steps["epoch"].iloc[-1]) + 1 for steps in logs.values())
    caption = (
        "Each point is the mean over the epoch that ends there; a thick line is the mean over seeds, thin lines are the"
        " seeds. The parts of the loss are drawn as they enter it, with their weights. Learning rates are those of"
        " each step, not averaged."
    )
    alt = f"Curves over {epochs} epochs. Training top-1 in the last epoch, mean over seeds: {told}."
    return Drawing(NAME, TITLE, caption, alt, figure)


def draw_curves(axes: Axes, logs: dict[tuple[str, int], pd.DataFrame], variants: list[str], column: str) -> None:
    """A column's course: every seed thin, the mean over seeds thick."""
    for number, variant in enumerate(variants):
        curves = [smoothed(steps, column) for (name, _), steps in logs.items() if name == variant and column in steps]
        if not curves:
            continue
        drawn = {key: value for key, value in look(number).items() if key != "marker"}
        if len(curves) > 1:
            for epochs, values in curves:
                axes.plot(epochs, values, color=drawn["color"], linewidth=0.5, alpha=0.5)
        axes.plot(
            curves[0][0], np.mean([values for _, values in curves], axis=0), linewidth=1.6, label=variant, **drawn
        )


def draw_rates(axes: Axes, logs: dict[tuple[str, int], pd.DataFrame], variants: list[str]) -> None:
    """The learning rate of each step; variants that share a schedule share a line."""
    shared: dict[tuple[float, ...], list[str]] = {}
    for variant in variants:
        steps = next((steps for (name, _), steps in logs.items() if name == variant), None)  # seeds share a schedule
        if steps is not None:
            shared.setdefault((steps_per_epoch(steps), *steps["rate"]), []).append(variant)
    for number, ((per_epoch, *rates), names) in enumerate(shared.items()):
        chosen = np.unique(np.linspace(0, len(rates) - 1, RATE_POINTS).round().astype(int))
        axes.plot(chosen / per_epoch, np.array(rates)[chosen], color="black", linestyle=LINES[number % len(LINES)],
                  label="\n".join(names))  # fmt: skip
    axes.set_ylabel("learning rate")


def steps_per_epoch(steps: pd.DataFrame) -> int:
    """Steps of an epoch, all of which have as many."""
    return int((steps["epoch"] == 0).sum())

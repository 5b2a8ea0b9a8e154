"""Draw how many seen classes stay at each threshold tau of the strict-label filter, and which ones lie near it."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from aurl.report.drawing.style import COLOURS, Drawing, empty_drawing, new_figure, shortened
from aurl.report.figures.base import FigureData
from aurl.semantics.classes import read_seen_table
from aurl.semantics.seen import passes_filter
from aurl.semantics.tau_sweep import TAUS, borderline, tau_sweep

NAME, TITLE = "tau_sweep", "Strict labels: seen classes kept against tau"
ORDER = 80
NAMED = 8  # classes that the figure names


def draw(data: FigureData) -> Drawing:
    """Draw the sweep around the experiment's tau. Raises: AurlError if seen_classes.csv is damaged."""
    seen_classes = data.inputs.seen_classes
    return (
        empty_drawing(NAME, TITLE) if seen_classes is None else draw_sweep(seen_classes, data.settings["semantics.tau"])
    )


def draw_sweep(seen_classes: Path, tau: float) -> Drawing:
    """Draw how many seen classes stay at each tau, and the classes nearest to one tau."""
    figure = new_figure(4)
    left, right = figure.subplots(1, 2)
    draw_kept(left, seen_classes, tau)
    draw_borderline(right, seen_classes, tau)
    kept, total = (int(tau_sweep(seen_classes, [at])["classes kept"][0]) for at in (tau, 0.0))
    near = borderline(seen_classes, tau, NAMED)
    listed = "; ".join(f"{a} ({b} {at:.4f})" for a, b, at in near[["class", "nearest_class", "distance"]].to_numpy())
    caption = (
        f"Left: seen classes whose distance 1 - cos to every test class is at least tau; {kept} of {total} stay at the"
        f" experiment's tau, {tau:g}. Right: the {len(near)} seen classes whose distance lies nearest to tau, each with"
        " its nearest test class."
    )
    alt = f"{kept} of {total} seen classes stay at tau {tau:g}. Nearest to tau, with their test class: {listed}."
    return Drawing(NAME, TITLE, caption, alt, figure)


def draw_kept(axes: Axes, seen_classes: Path, tau: float) -> None:
    """Draw how many classes stay, with a step at the distance of each: a class at tau itself stays."""
    last = max(*TAUS, 1.5 * tau)
    distances = read_seen_table(seen_classes)["distance"]
    swept = tau_sweep(seen_classes, [0.0, *distances[(distances > 0) & (distances < last)], last])
    axes.step(swept["tau"], swept["classes kept"], where="pre", color=COLOURS[0])
    axes.axvline(tau, color=COLOURS[1], linestyle="--", linewidth=1)
    axes.set_xlabel(f"tau (dashed: {tau:g}, the experiment's)")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("seen classes that stay")


def draw_borderline(axes: Axes, seen_classes: Path, tau: float) -> None:
    """Draw the seen classes whose distance lies nearest to tau, with their nearest test classes."""
    named = borderline(seen_classes, tau, NAMED)
    stays = passes_filter(named["distance"].to_numpy(), tau)
    for label, chosen, marker in (("stays", stays, "o"), ("removed", ~stays, "X")):
        axes.plot(named["distance"][chosen], np.flatnonzero(chosen), marker, color=COLOURS[0 if marker == "o" else 5],
                  label=label)  # fmt: skip
    axes.axvline(tau, color=COLOURS[1], linestyle="--", linewidth=1)
    pairs = zip(named["class"], named["nearest_class"], strict=True)
    axes.set_yticks(range(len(named)), [f"{shortened(one)} / {shortened(other)}" for one, other in pairs])
    axes.set_xlabel("distance to the nearest test class")
    axes.legend()

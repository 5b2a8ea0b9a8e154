"""Draw seen over unseen accuracy with seen and unseen classes as candidates together, for every gamma.

Source: Chao et al., "An empirical study and analysis of generalized zero-shot learning for object recognition in the
wild" (ECCV 2016): calibrated stacking subtracts gamma from the scores of the seen classes.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from aurl.evaluation.labels import counted
from aurl.report.drawing.style import Drawing, empty_drawing, legend_below, panels, point_style, stroke_style
from aurl.report.figures.base import FigureData

NAME, TITLE = "generalised", "Seen and unseen classes together"
ORDER = 55
WITHOUT = "not measured: held_out in params.yaml names no videos of the seen classes"
SHARED_POINTS = 400  # of a curve that is a mean over seeds


def draw(data: FigureData) -> Drawing:
    """Draw a panel for each test set, a curve for each variant."""
    curves = {variant: data.curves(variant) for variant in data.variants if variant in data.inputs.curves}
    measured = {name for table in curves.values() for name in table["dataset"]}
    shown = {name: label for name, label in data.test_sets.items() if name in measured}
    if not shown:
        return empty_drawing(NAME, TITLE, WITHOUT) if data.cells else empty_drawing(NAME, TITLE)
    figure, grid = panels(shown.values(), 3.8)
    sentences = []
    for axes, (dataset, label) in zip(grid, shown.items(), strict=True):
        for number, (variant, name) in enumerate(data.variants.items()):
            if variant in curves and (curves[variant]["dataset"] == dataset).any():
                seen, unseen = draw_curve(axes, curves[variant].query("dataset == @dataset"), number, name)
                sentences.append(f"{name} on {label}: seen {seen:.1f} and unseen {unseen:.1f} at gamma 0.")
        axes.set_xlabel("U: unseen classes [%]")
        axes.set_ylabel("S: seen classes [%]")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
    legend_below(figure, grid)
    seeds = len({seed for table in curves.values() for seed in table["seed"]})
    caption = (
        "Mean class accuracy of held-out videos of seen classes (S) over that of the test set's videos (U), with seen and"
        " unseen classes as candidates together, while gamma, which is subtracted from the scores of seen classes, grows"
        " from left to right. The mark is gamma 0: the network as it is. The area below the curve is AUSUC. Each curve"
        f" is the mean over {counted(seeds, 'seed')}, {counted(data.ablation_clips, 'clip')} a video."
    )
    return Drawing(NAME, TITLE, caption, f"Seen over unseen accuracy in percent. {' '.join(sentences)}", figure)


def draw_curve(axes: Axes, table: pd.DataFrame, number: int, label: str) -> tuple[float, float]:
    """Draw one variant's mean curve and its point at gamma 0. Returns: S and U of that point, in percent."""
    gammas = np.unique(table["gamma"][np.isfinite(table["gamma"])])
    chosen = gammas[np.linspace(0, len(gammas) - 1, min(len(gammas), SHARED_POINTS)).round().astype(int)]
    curve = mean_curve(table, np.concatenate([[-np.inf], chosen, [np.inf]]))
    point = mean_curve(table, np.zeros(1))[0]
    axes.plot(curve[:, 1], curve[:, 0], label=label, **stroke_style(number))
    axes.plot(point[1], point[0], markersize=7, **point_style(number))
    return float(point[0]), float(point[1])


def mean_curve(table: pd.DataFrame, gammas: np.ndarray) -> np.ndarray:
    """Average S and U of the seeds at each gamma, (gammas, 2): those of the last point of a curve that is not above it."""
    of_seeds = []
    for _, own in table.groupby("seed"):
        places = np.searchsorted(own["gamma"].to_numpy(), gammas, side="right") - 1
        of_seeds.append(own[["seen", "unseen"]].to_numpy()[places.clip(min=0)])
    return np.asarray(np.mean(of_seeds, axis=0))

"""Draw closeness (alignment) against dispersion (uniformity) of the variants, after training and over it."""

import numpy as np
from matplotlib.axes import Axes

from aurl.evaluation.labels import counted
from aurl.report.drawing.curves import smoothed
from aurl.report.drawing.properties import draw_properties, explain_many
from aurl.report.drawing.style import Drawing, empty_drawing, line_style, over_seeds, panels, stroke_style
from aurl.report.figures.base import FigureData

NAME, TITLE = "alignment_uniformity", "Closeness against dispersion"
ORDER = 40
OVER_TRAINING = "Over training, on seen classes"


def draw(data: FigureData) -> Drawing:
    """Draw a panel for each test set, and one for the course of training where there are logs."""
    titles = list(data.test_sets.values())
    figure, grid = panels([*titles, OVER_TRAINING] if data.steps else titles, 4.2)
    sentences = []
    for axes, (dataset, label) in zip(grid, data.test_sets.items(), strict=False):  # the course has the last panel
        values = draw_properties(axes, data, dataset)
        if values:
            listed = ", ".join(f"{name} {close:.2f} and {apart:.2f}" for name, (close, apart) in values.items())
            sentences.append(f"{label}: {listed}.")
    if data.steps:
        courses = draw_courses(grid[-1], data)
        listed = ", ".join(f"{name} from {_pair(course[0])} to {_pair(course[-1])}" for name, course in courses.items())
        sentences.append(f"Over training: {listed}.")
    if not sentences:
        return empty_drawing(NAME, TITLE)
    explain_many(figure, grid, data)
    caption = (
        "Closeness is the mean distance 1 - cos between a video and its class (smaller is better), dispersion the mean"
        " distance of a class to its nearest other class (larger is better);"
        f" {counted(data.ablation_clips, 'clip')} a video, {over_seeds(data.results.seeds)}."
    )
    if data.steps:
        caption += (
            " The course of the trainings is that of their batches: single clips of seen classes, each with the nearest"
            " clip of another class, so that it compares between variants, not with the test sets. Each dot is the mean"
            " over the epoch that ends there, and over seeds; the marker is the end."
        )
    return Drawing(NAME, TITLE, caption, f"Closeness and dispersion of each variant. {' '.join(sentences)}", figure)


def draw_courses(axes: Axes, data: FigureData) -> dict[str, np.ndarray]:
    """Draw a line for each variant from its first epoch to its last.

    Returns: label of a variant -> closeness and dispersion, (points, 2).
    """
    courses = {}
    for number, (variant, label) in enumerate(data.variants.items()):
        seeds = [
            np.stack([smoothed(steps, column)[1] for column in ("closeness", "dispersion")], axis=1)
            for (name, _), steps in data.steps.items()
            if name == variant
        ]
        if seeds:
            course = courses[label] = np.mean(seeds, axis=0)
            style = line_style(number)
            axes.plot(*course.T, linewidth=1.0, marker=".", markersize=3, label=label, **stroke_style(number))
            axes.plot(*course[-1], marker=style["marker"], color=style["color"])
    axes.set_xlabel("closeness in the batch (smaller is better)")
    axes.set_ylabel("dispersion (larger is better)")
    return courses


def _pair(values: np.ndarray) -> str:
    return f"{values[0]:.2f} and {values[1]:.2f}"

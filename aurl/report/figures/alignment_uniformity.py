"""Closeness (alignment) against dispersion (uniformity) of the variants, after training and over it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from aurl.experiment.settings import ReportSettings
from aurl.report.figures.style import Drawing, counted, look, nothing_yet, over_seeds, panels
from aurl.report.figures.training import smoothed
from aurl.report.results import Results

NAME, TITLE = "alignment_uniformity", "Closeness against dispersion"
OVER_TRAINING = "Over training, on seen classes"
Logs = Mapping[tuple[str, int], pd.DataFrame]


def draw_alignment_uniformity(results: Results, variants: list[str], report: ReportSettings, logs: Logs) -> Drawing:
    """A panel for each test set, the variants as points with their standard deviation over seeds; their course.

    Args:
        logs: (variant, seed) -> what `read_steps` gives; imported networks have none.
    """
    titles = [test_set.label for test_set in report.test_sets.values()]
    figure, found = panels([*titles, OVER_TRAINING] if logs else titles, 4.2)
    told = []
    for axes, (key, test_set) in zip(found, report.test_sets.items(), strict=False):  # the course has the last panel
        values = draw_properties(axes, results, variants, report, key)
        if values:
            listed = ", ".join(f"{name} {close:.2f} and {apart:.2f}" for name, (close, apart) in values.items())
            told.append(f"{test_set.label}: {listed}.")
    if logs:
        courses = draw_courses(found[-1], logs, variants)
        listed = ", ".join(
            f"{name} from {_point(course[0])} to {_point(course[-1])}" for name, course in courses.items()
        )
        told.append(f"Over training: {listed}.")
    if not told:
        return nothing_yet(NAME, TITLE)
    caption = (
        "Closeness is the mean distance 1 - cos between a video and its class (smaller is better), dispersion the mean"
        " distance of a class to its nearest other class (larger is better);"
        f" {counted(report.ablation_clips, 'clip')} a video, {over_seeds(results.seeds)}."
    )
    if logs:
        caption += (
            " The course of the trainings is that of their batches: single clips of seen classes, each with the nearest"
            " clip of another class, so that it compares between variants, not with the test sets. Each dot is the mean"
            " over the epoch that ends there, and over seeds; the marker is the end."
        )
    return Drawing(NAME, TITLE, caption, f"Closeness and dispersion of each variant. {' '.join(told)}", figure)


def draw_courses(axes: Axes, logs: Logs, variants: list[str]) -> dict[str, np.ndarray]:
    """A line for each variant, from its first epoch to its last: (points, 2) closeness and dispersion."""
    courses = {}
    for number, variant in enumerate(variants):
        seeds = [
            np.stack([smoothed(steps, column)[1] for column in ("closeness", "dispersion")], axis=1)
            for (name, _), steps in logs.items()
            if name == variant
        ]
        if seeds:
            course = courses[variant] = np.mean(seeds, axis=0)
            drawn = {"color": look(number)["color"], "linestyle": look(number)["linestyle"]}
            axes.plot(*course.T, linewidth=1.0, marker=".", markersize=3, label=variant, **drawn)
            axes.plot(*course[-1], marker=look(number)["marker"], color=drawn["color"])
    axes.set_xlabel("closeness in the batch (smaller is better)")
    axes.set_ylabel("dispersion (larger is better)")
    return courses


def _point(values: np.ndarray) -> str:
    return f"{values[0]:.2f} and {values[1]:.2f}"


def draw_properties(
    axes: Axes, results: Results, variants: list[str], report: ReportSettings, key: str
) -> dict[str, tuple[float, float]]:
    """Closeness against dispersion on one test set.

    Args:
        key: of `report.test_sets`.
    Returns: closeness and dispersion of each variant for which both were measured.
    """
    test_set = report.test_sets[key]
    drawn = {}
    for number, variant in enumerate(variants):
        closeness, dispersion = (
            results.cell(variant, test_set.dataset, report.ablation_clips, 1, metric)
            for metric in ("closeness", "dispersion")
        )
        if closeness and dispersion:
            axes.errorbar(
                closeness.mean, dispersion.mean, xerr=closeness.std, yerr=dispersion.std, capsize=2, label=variant,
                **{**look(number), "linestyle": ""},
            )  # fmt: skip
            drawn[variant] = (closeness.mean, dispersion.mean)
    axes.set_xlabel(f"closeness on {test_set.label} (smaller is better)")
    axes.set_ylabel("dispersion (larger is better)")
    if drawn:
        axes.legend()
    return drawn

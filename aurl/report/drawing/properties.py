"""Draw closeness against dispersion of the variants, for the figures that show it."""

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aurl.report.drawing.style import legend_below, line_style, shortened
from aurl.report.figures.base import FigureData

MOST_NAMES = 6  # in the legend of a panel
SHORT = 16  # characters of a label that leave room on the line


def draw_properties(axes: Axes, data: FigureData, dataset: str) -> dict[str, tuple[float, float]]:
    """Draw the variants as points on one test set, with their standard deviation over seeds.

    Returns: label of a variant -> closeness and dispersion, where both were measured.
    """
    values = {}
    for number, (variant, name) in enumerate(data.variants.items()):
        closeness, dispersion = (
            data.results.cell(variant, dataset, data.ablation_clips, 1, metric)
            for metric in ("closeness", "dispersion")
        )
        if closeness and dispersion:
            axes.errorbar(
                closeness.mean, dispersion.mean, xerr=closeness.std, yerr=dispersion.std, capsize=2, label=name,
                **{**line_style(number), "linestyle": ""},
            )  # fmt: skip
            values[name] = (closeness.mean, dispersion.mean)
    label = shortened(data.test_sets[dataset])
    axes.set_xlabel(f"closeness on {label}{' ' if len(label) <= SHORT else chr(10)}(smaller is better)")
    axes.set_ylabel("dispersion (larger is better)")
    if values and len(data.variants) <= MOST_NAMES:
        axes.legend()
    return values


def explain_many(figure: Figure, panels: Iterable[Axes], data: FigureData) -> None:
    """Put the legend of many variants below the figure, where a panel's own would cover its points."""
    if len(data.variants) > MOST_NAMES:
        legend_below(figure, panels)

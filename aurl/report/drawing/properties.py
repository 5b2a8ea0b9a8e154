"""Draw closeness against dispersion of the variants, for the figures that show it."""

from matplotlib.axes import Axes

from aurl.report.drawing.style import line_style
from aurl.report.figures.base import FigureData

MOST_NAMES = 6  # in one column of a panel's legend


def draw_properties(axes: Axes, data: FigureData, dataset: str) -> dict[str, tuple[float, float]]:
    """Draw the variants as points on one test set, with their standard deviation over seeds.

    Returns: closeness and dispersion of each variant for which both were measured.
    """
    values = {}
    for number, variant in enumerate(data.variants):
        closeness, dispersion = (
            data.results.cell(variant, dataset, data.ablation_clips, 1, metric)
            for metric in ("closeness", "dispersion")
        )
        if closeness and dispersion:
            axes.errorbar(
                closeness.mean, dispersion.mean, xerr=closeness.std, yerr=dispersion.std, capsize=2, label=variant,
                **{**line_style(number), "linestyle": ""},
            )  # fmt: skip
            values[variant] = (closeness.mean, dispersion.mean)
    axes.set_xlabel(f"closeness on {data.test_sets[dataset]} (smaller is better)")
    axes.set_ylabel("dispersion (larger is better)")
    if len(values) > MOST_NAMES:
        axes.legend(ncols=2, fontsize="x-small")
    elif values:
        axes.legend()
    return values

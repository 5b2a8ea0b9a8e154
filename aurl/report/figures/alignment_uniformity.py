"""Closeness (alignment) against dispersion (uniformity) of the variants, after training."""

from matplotlib.axes import Axes

from aurl.config import ReportSettings
from aurl.report.figures.style import Drawing, counted, look, nothing_yet, over_seeds, panels
from aurl.report.results import Results

NAME, TITLE = "alignment_uniformity", "Closeness against dispersion"


def draw_alignment_uniformity(results: Results, variants: list[str], report: ReportSettings) -> Drawing:
    """A panel for each test set; the variants as points with their standard deviation over seeds."""
    figure, found = panels([test_set.label for test_set in report.test_sets.values()], 4.2)
    told = []
    for axes, (key, test_set) in zip(found, report.test_sets.items(), strict=True):
        values = draw_properties(axes, results, variants, report, key)
        if values:
            listed = ", ".join(f"{name} {close:.2f} and {apart:.2f}" for name, (close, apart) in values.items())
            told.append(f"{test_set.label}: {listed}.")
    if not told:
        return nothing_yet(NAME, TITLE)
    caption = (
        "Closeness is the mean distance 1 - cos between a video and its class (smaller is better), dispersion the mean"
        " distance of a class to its nearest other class (larger is better);"
        f" {counted(report.ablation_clips, 'clip')} a video, {over_seeds(results.seeds)}. All values are of finished"
        " trainings: the training logs hold neither quantity, so their course over training is not drawn."
    )
    return Drawing(NAME, TITLE, caption, f"Closeness and dispersion of each variant. {' '.join(told)}", figure)


def draw_properties(
    axes: Axes, results: Results, variants: list[str], report: ReportSettings, key: str
) -> dict[str, tuple[float, float]]:
    """Closeness against dispersion on one test set.

    Args:
        key: of `report.test_sets`.
    Returns: closeness and dispersion of each variant for which both were measured.
    """
    test_set = report.test_sets[key]  # type: ignore[index]  # a key of this very mapping
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

"""Top-1 of every variant on the test sets, and closeness against dispersion: the ablation table as a figure."""

import numpy as np
from matplotlib.axes import Axes

from aurl.experiment.settings import ReportSettings
from aurl.report.figures.alignment_uniformity import draw_properties
from aurl.report.figures.style import COLOURS, HATCHES, LINES, Drawing, counted, new_figure, nothing_yet, over_seeds
from aurl.report.results import Measured, Results

NAME, TITLE = "ablation", "Ablation: top-1, closeness and dispersion"


def draw_ablation(results: Results, variants: list[str], report: ReportSettings) -> Drawing:
    """Bars of top-1 (all classes), and closeness against dispersion on the set that the ablation table takes."""
    measured = {key: top1_of(results, variants, report, key) for key in report.test_sets}
    if not any(cell for cells in measured.values() for cell in cells):
        return nothing_yet(NAME, TITLE)
    figure = new_figure(4)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    draw_top1(left, results, variants, report)
    draw_properties(right, results, variants, report, report.closeness_of)
    told = []
    for key, test_set in report.test_sets.items():
        values = [f"{v} {cell.mean:.1f}" for v, cell in zip(variants, measured[key], strict=True) if cell]
        told.append(f"{test_set.label}: {', '.join(values)}.")
    caption = (
        f"Left: top-1 over all classes, {counted(report.ablation_clips, 'clip')} a video,"
        f" {over_seeds(results.seeds)}; horizontal lines are chance. Right: closeness (smaller is better)"
        f" against dispersion (larger is better) on {report.test_sets[report.closeness_of].label}."
    )
    return Drawing(NAME, TITLE, caption, f"Bars of top-1 in percent. {' '.join(told)}", figure)


def top1_of(results: Results, variants: list[str], report: ReportSettings, key: str) -> list[Measured | None]:
    """Top-1 over all classes of each variant, where it was measured."""
    dataset = report.test_sets[key].dataset
    return [results.cell(variant, dataset, report.ablation_clips, 1, "top1") for variant in variants]


def draw_top1(axes: Axes, results: Results, variants: list[str], report: ReportSettings) -> None:
    """Bars: mean over seeds, whiskers the standard deviation, a dashed line for chance."""
    width = 0.8 / len(report.test_sets)
    for number, (key, test_set) in enumerate(report.test_sets.items()):
        cells = top1_of(results, variants, report, key)
        positions = np.arange(len(variants)) + (number - (len(report.test_sets) - 1) / 2) * width
        axes.bar(
            positions, [cell.mean if cell else 0.0 for cell in cells], width,
            yerr=[cell.std or 0.0 if cell else 0.0 for cell in cells], capsize=3, color=COLOURS[number],
            hatch=HATCHES[number % len(HATCHES)], edgecolor="white", label=test_set.label,
        )  # fmt: skip
        counts = results.counts(test_set.dataset)
        if counts is not None:
            axes.axhline(
                100 / counts[1], color=COLOURS[number], linestyle=LINES[(1 + number) % len(LINES)], linewidth=1
            )
    axes.set_xticks(range(len(variants)), variants)
    axes.set_ylabel(f"top-1 [%], all classes, {counted(report.ablation_clips, 'clip')}")
    axes.margins(y=0.22)
    axes.legend(title="horizontal lines: chance", loc="upper center", ncols=len(report.test_sets))

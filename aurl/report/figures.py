"""Figures from `metrics.csv` and `seen_classes.csv`: the same inputs give the same bytes."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aurl.config import ReportSettings
from aurl.files import replacing
from aurl.report.results import Results
from aurl.report.tau_sweep import TAUS, borderline, tau_sweep
from aurl.semantics.classes import read_seen_table
from aurl.semantics.seen import far_enough

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")  # Okabe and Ito, colour-blind safe
HATCHES = ("", "//")
MARKERS = "osD^vP"
NAMED = 8  # classes that the sweep names


def draw_ablation(metrics: Path, variants: list[str], report: ReportSettings, files: dict[str, Path]) -> None:
    """Top-1 of every variant on both test sets, and closeness against dispersion; `files` by extension."""
    results = Results(metrics)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained", width_ratios=(3, 2))
    draw_top1(left, results, variants, report)
    draw_properties(right, results, variants, report)
    figure.suptitle(report.title)
    save_figure(figure, files)


def draw_tau_sweep(seen_classes: Path | None, tau: float, title: str, files: dict[str, Path]) -> None:
    """How many seen classes stay at each tau, and the classes nearest to the experiment's; `files` by extension.

    Says so where the seen classes are missing.
    """
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    if seen_classes is None:
        left.set_title("data are missing: no class was filtered")
    else:
        draw_kept(left, seen_classes, tau)
        draw_borderline(right, seen_classes, tau)
    figure.suptitle(f"{title}: strict labels")
    save_figure(figure, files)


def draw_kept(axes: Axes, seen_classes: Path, tau: float) -> None:
    """Classes that stay, with a step at the distance of every class: one that lies at tau still stays."""
    last = max(*TAUS, 1.5 * tau)
    distances = read_seen_table(seen_classes)["distance"]
    swept = tau_sweep(seen_classes, [0.0, *distances[(distances > 0) & (distances < last)], last])
    axes.step(swept["tau"], swept["classes kept"], where="pre", color=COLOURS[0])
    axes.axvline(tau, color=COLOURS[1], linestyle="--", linewidth=1)
    axes.set_xlabel(f"tau (dashed: {tau:g}, the experiment's)")
    axes.set_ylabel("seen classes that stay")
    axes.spines[["top", "right"]].set_visible(False)


def draw_borderline(axes: Axes, seen_classes: Path, tau: float) -> None:
    """The seen classes whose distance lies nearest to tau, with their nearest test classes."""
    named = borderline(seen_classes, tau, NAMED)
    stays = far_enough(named["distance"].to_numpy(), tau)
    for label, chosen, marker in (("stays", stays, "o"), ("removed", ~stays, "X")):
        axes.plot(named["distance"][chosen], np.flatnonzero(chosen), marker, color=COLOURS[0 if marker == "o" else 5],
                  label=label)  # fmt: skip
    axes.axvline(tau, color=COLOURS[1], linestyle="--", linewidth=1)
    axes.set_yticks(range(len(named)), named["class"] + " / " + named["nearest_class"])
    for text in axes.get_yticklabels():
        text.set_parse_math(False)  # a class may be called "$1"
    axes.set_xlabel("distance to the nearest test class")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def save_figure(figure: Figure, files: dict[str, Path]) -> None:
    """Write a figure in every format, all or none, without dates; `files` by extension."""
    with replacing(*files.values()) as temporaries:
        for extension, temporary in zip(files, temporaries, strict=True):
            dates = {"CreationDate": None, "ModDate": None} if extension == "pdf" else {"Software": None}
            figure.savefig(temporary, format=extension, dpi=150, metadata=dates)
    pyplot.close(figure)


def draw_top1(axes: Axes, results: Results, variants: list[str], report: ReportSettings) -> None:
    """Bars: mean over seeds, whiskers the standard deviation, a dashed line for chance."""
    width = 0.8 / len(report.test_sets)
    for number, test_set in enumerate(report.test_sets.values()):
        cells = [results.cell(variant, test_set.dataset, report.ablation_clips, 1, "top1") for variant in variants]
        positions = np.arange(len(variants)) + (number - (len(report.test_sets) - 1) / 2) * width
        means = [cell.mean if cell else 0.0 for cell in cells]
        spread = [cell.std or 0.0 if cell else 0.0 for cell in cells]
        axes.bar(
            positions, means, width, yerr=spread, capsize=3, color=COLOURS[number], hatch=HATCHES[number % 2],
            edgecolor="white", label=test_set.label,
        )  # fmt: skip
        counts = results.counts(test_set.dataset)
        if counts is not None:
            axes.axhline(100 / counts[1], color=COLOURS[number], linestyle="--", linewidth=1)
    axes.set_xticks(range(len(variants)), variants)
    axes.set_ylabel(f"top-1 [%], all classes, {report.ablation_clips} clip(s)")
    axes.legend(title="dashed: chance", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def draw_properties(axes: Axes, results: Results, variants: list[str], report: ReportSettings) -> None:
    """Closeness against dispersion on the test set that the ablation table takes them from."""
    test_set = report.test_sets[report.closeness_of]
    for number, variant in enumerate(variants):
        closeness, dispersion = (
            results.cell(variant, test_set.dataset, report.ablation_clips, 1, metric)
            for metric in ("closeness", "dispersion")
        )
        if closeness and dispersion:
            axes.errorbar(
                closeness.mean, dispersion.mean, xerr=closeness.std, yerr=dispersion.std, capsize=2, label=variant,
                marker=MARKERS[number % len(MARKERS)], color=COLOURS[number % len(COLOURS)], linestyle="",
            )  # fmt: skip
    axes.set_xlabel(f"closeness on {test_set.label} (smaller is better)")
    axes.set_ylabel("dispersion (larger is better)")
    if axes.containers:
        axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)

"""Top-1 on every half-class split, as distributions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from aurl.evaluation.feature_file import Features, read_features
from aurl.evaluation.metrics import cosine_similarity
from aurl.evaluation.protocol import evaluate_draws, half_class_split
from aurl.experiment.settings import ReportSettings
from aurl.report.figures.style import COLOURS, MARKERS, Drawing, counted, new_figure, nothing_yet

NAME, TITLE = "splits", "Top-1 over half-class splits"
Cell = tuple[str, int, str]  # variant, seed, dataset


def split_top1(features: Features, number: int) -> dict[int, np.ndarray]:
    """Clips of a video -> top-1 in percent on the splits 0 .. number - 1, float64 (number,)."""
    drawn = [half_class_split(len(features.classes), seed) for seed in range(number)]
    return {
        clips: np.array([draw["top1"] for draw in evaluate_draws(similarity, features.labels, drawn)])
        for clips, embeddings in features.videos.items()
        for similarity in [cosine_similarity(embeddings, features.classes)]
    }


def mean_over_seeds(features: dict[Cell, Path], number: int) -> dict[tuple[str, str, int], np.ndarray]:
    """(Variant, dataset, clips) -> top-1 on every split, the mean over seeds, float64 (number,).

    Raises: AurlError for a damaged features file.
    """
    found: dict[tuple[str, str, int], list[np.ndarray]] = {}
    for (variant, _, dataset), path in features.items():
        for clips, values in split_top1(read_features(path), number).items():
            found.setdefault((variant, dataset, clips), []).append(values)
    return {key: np.mean(values, axis=0) for key, values in found.items()}


def draw_splits(
    top1: dict[tuple[str, str, int], np.ndarray], variants: list[str], report: ReportSettings, splits: Sequence[int]
) -> Drawing:
    """A row for each test set, a panel for each number of clips; one point for each split of each protocol.

    Args:
        top1: what `mean_over_seeds` gives. splits: numbers of splits; 1 is no draw and left out.
    """
    protocols = sorted(count for count in splits if count > 1)
    tested = [test_set for test_set in report.test_sets.values() if any(key[1] == test_set.dataset for key in top1)]
    if not tested or not protocols:
        return nothing_yet(NAME, TITLE)
    clips = sorted({key[2] for key in top1})
    figure = new_figure(0.6 + 2.9 * len(tested))
    grid = figure.subplots(len(tested), len(clips), squeeze=False, sharex=True, sharey="row")
    told = []
    for row, test_set in zip(grid, tested, strict=True):
        for axes, count in zip(row, clips, strict=True):
            of_variants = [top1.get((variant, test_set.dataset, count)) for variant in variants]
            draw_points(axes, of_variants, protocols)
            axes.set_xticks(range(len(variants)), variants)
            axes.set_title(f"{test_set.label}, {counted(count, 'clip')}")
            for variant, values in zip(variants, of_variants, strict=True):
                if values is not None and count == clips[0]:
                    most = values[: protocols[-1]]
                    told.append(
                        f"{variant} on {test_set.label}: mean {most.mean():.1f}, from {most.min():.1f} to {most.max():.1f}."
                    )
        row[0].set_ylabel("top-1 [%]")
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(protocols), markerscale=2)
    caption = (
        "Each point is one random half of the classes (mean over seeds), each line the mean of the draws, from left to"
        f" right {', '.join(map(str, protocols))}. Splits overlap: they share classes and videos, the smaller protocols"
        " are the first draws of the larger ones, and so they are no independent samples."
    )
    alt = f"Top-1 in percent over {protocols[-1]} splits with {counted(clips[0], 'clip')}. {' '.join(told)}"
    return Drawing(NAME, TITLE, caption, alt, figure)


def draw_points(axes: Axes, of_variants: list[np.ndarray | None], protocols: list[int]) -> None:
    """The splits of each protocol beside each other, spread sideways so that equal values can be seen."""
    width = 0.8 / len(protocols)
    measured = [(position, values) for position, values in enumerate(of_variants) if values is not None]
    for number, count in enumerate(protocols):
        middle = (number - (len(protocols) - 1) / 2) * width
        spread = (np.arange(count) * 0.618034 % 1 - 0.5) * 0.7 * width  # even without chance
        for position, values in measured:
            axes.scatter(
                position + middle + spread, values[:count], s=12, marker=MARKERS[number], color=COLOURS[number],
                alpha=0.7, linewidth=0, label=f"{count} draws" if position == measured[0][0] else None,
            )  # fmt: skip
            axes.hlines(values[:count].mean(), position + middle - 0.45 * width, position + middle + 0.45 * width,
                        color="black", linewidth=1.5)  # fmt: skip

"""Draw top-1 on every half-class split, as distributions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from aurl.evaluation.feature_file import Features
from aurl.evaluation.labels import counted
from aurl.evaluation.metrics import cosine_similarity
from aurl.evaluation.protocol import evaluate_draws, half_class_split
from aurl.report.drawing.style import Drawing, empty_drawing, legend_below, name_ticks, new_figure, point_style
from aurl.report.figures.base import FigureData

NAME, TITLE = "splits", "Top-1 over half-class splits"
ORDER = 50


def draw(data: FigureData) -> Drawing:
    """Draw a row for each test set, a panel for each number of clips, a point for each split of each protocol."""
    protocols = [count for count in data.splits if count > 1]  # 1 is all classes, no draw
    top1 = mean_over_seeds(data, max(data.splits))
    tested = {name: label for name, label in data.test_sets.items() if any(key[1] == name for key in top1)}
    if not tested or not protocols:
        return empty_drawing(NAME, TITLE)
    clips = sorted({key[2] for key in top1})
    figure = new_figure(0.6 + 2.9 * len(tested))
    grid = figure.subplots(len(tested), len(clips), squeeze=False, sharex=True, sharey="row")
    sentences = []
    for row, (dataset, label) in zip(grid, tested.items(), strict=True):
        for axes, count in zip(row, clips, strict=True):
            of_variants = [top1.get((variant, dataset, count)) for variant in data.variants]
            draw_points(axes, of_variants, protocols)
            name_ticks(axes, list(data.variants.values()))
            axes.set_title(f"{label}, {counted(count, 'clip')}")
            if count == clips[0]:
                sentences += [
                    f"{name} on {label}: {_range(values[: protocols[-1]])}."
                    for name, values in zip(data.variants.values(), of_variants, strict=True)
                    if values is not None
                ]
        row[0].set_ylabel("top-1 [%]")
    legend_below(figure, grid.ravel(), markerscale=2)
    caption = (
        "Each point is one random half of the classes (mean over seeds), each line the mean of the draws, from left to"
        f" right {', '.join(map(str, protocols))}. Splits overlap: they share classes and videos, the smaller protocols"
        " are the first draws of the larger ones, and so they are no independent samples."
    )
    alt = f"Top-1 in percent over {protocols[-1]} splits with {counted(clips[0], 'clip')}. {' '.join(sentences)}"
    return Drawing(NAME, TITLE, caption, alt, figure)


def split_top1(features: Features, number: int) -> dict[int, np.ndarray]:
    """Evaluate the splits 0 .. number - 1. Returns: clips of a video -> top-1 in percent, float64 (number,)."""
    drawn = [half_class_split(len(features.classes), seed) for seed in range(number)]
    return {
        clips: np.array([draw["top1"] for draw in evaluate_draws(similarity, features.labels, drawn)])
        for clips, embeddings in features.videos.items()
        for similarity in [cosine_similarity(embeddings, features.classes)]
    }


def mean_over_seeds(data: FigureData, number: int) -> dict[tuple[str, str, int], np.ndarray]:
    """Average top-1 on every split over seeds: (variant, dataset, clips) -> percent, float64 (number,).

    Raises: AurlError for a damaged features file.
    """
    of_seeds: dict[tuple[str, str, int], list[np.ndarray]] = {}
    for variant, seed, dataset in data.cells:
        for clips, values in split_top1(data.features(variant, seed, dataset), number).items():
            of_seeds.setdefault((variant, dataset, clips), []).append(values)
    return {key: np.mean(values, axis=0) for key, values in of_seeds.items()}


def draw_points(axes: Axes, of_variants: Sequence[np.ndarray | None], protocols: Sequence[int]) -> None:
    """Draw the splits of each protocol beside each other, spread sideways so that equal values can be seen."""
    width = 0.8 / len(protocols)
    measured = [(position, values) for position, values in enumerate(of_variants) if values is not None]
    for number, count in enumerate(protocols):
        middle = (number - (len(protocols) - 1) / 2) * width
        spread = (np.arange(count) * 0.618034 % 1 - 0.5) * 0.7 * width  # even without chance
        for position, values in measured:
            axes.scatter(
                position + middle + spread, values[:count], s=12, alpha=0.7, linewidth=0,
                label=f"{count} draws" if position == measured[0][0] else None, **point_style(number),
            )  # fmt: skip
            axes.hlines(values[:count].mean(), position + middle - 0.45 * width, position + middle + 0.45 * width,
                        color="black", linewidth=1.5)  # fmt: skip


def _range(values: np.ndarray) -> str:
    return f"mean {values.mean():.1f}, from {values.min():.1f} to {values.max():.1f}"

"""Draw the accuracy of each class, sorted, and the most confused pairs, each with frames of a video."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from aurl.evaluation.feature_file import Features
from aurl.evaluation.labels import counted
from aurl.evaluation.metrics import cosine_similarity
from aurl.frames.store import FrameStore
from aurl.report.drawing.style import WIDTH, Drawing, bar_style, empty_drawing, new_figure, shortened
from aurl.report.figures.base import FigureData

NAME, TITLE = "classes", "Accuracy of each class, and the most confused pairs"
ORDER = 60
LONG = 16  # characters of a label that fit beside the rest of the title
PAIRS = 5
FRAMES = 6
COLUMN = 52  # classes in one column: HMDB51's 51, half of UCF101's 101
COLUMNS = 6  # of one test set, longer ones where it has more classes
BAND = 4  # columns side by side; further test sets go below
GAP = 2  # pixels between frames

Column = list[tuple[str, float]]  # classes with their accuracy
Band = list[tuple[int, list[Column]]]  # position of a test set, and its columns


@dataclass(frozen=True)
class Confusion:
    """Count videos of class `true` that were taken for `predicted`, of all its predictions; the path of one."""

    true: str
    predicted: str
    count: int
    of: int
    example: str


@dataclass(frozen=True)
class ClassAccuracy:
    """Percent right of each class of a test set that has videos, best first, and its most confused pairs."""

    label: str
    accuracy: dict[str, float]
    confused: list[Confusion]


def draw(data: FigureData) -> Drawing:
    """Draw the classes of every test set that our variant was measured on."""
    if not data.cells:
        return empty_drawing(NAME, TITLE)
    ours = data.baseline_and_proposed(list(dict.fromkeys(variant for variant, _, _ in data.cells)))[-1]
    test_sets, strips, count = [], [], 0
    for dataset, label in data.test_sets.items():
        seeds = [seed for variant, seed, tested in data.cells if (variant, tested) == (ours, dataset)]
        if seeds:
            count = len(seeds)
            features = (data.features(ours, seed, dataset) for seed in seeds)
            test_sets.append(class_accuracy(label, features, data.ablation_clips))
            examples = [pair.example for pair in test_sets[-1].confused]
            strips.append(strips_of(examples, data.videos(dataset), data.frames(dataset)))
    if not test_sets:
        return empty_drawing(NAME, TITLE)
    return draw_classes(data.variants[ours], test_sets, strips, data.ablation_clips, count)


def class_accuracy(label: str, features: Iterable[Features], clips: int) -> ClassAccuracy:
    """Count what networks predict for one test set, over all classes.

    Args:
        features: of one test set by one variant, for each seed.
    """
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    wrong: Counter[tuple[str, str]] = Counter()
    videos: dict[tuple[str, str], Counter[str]] = {}
    for embeddings in features:
        names = embeddings.class_names
        best = cosine_similarity(embeddings.videos[clips], embeddings.classes).argmax(dim=1).tolist()
        for video, label_number, predicted in zip(embeddings.paths, embeddings.labels.tolist(), best, strict=True):
            true, taken = names[label_number], names[predicted]
            total[true] += 1
            if true == taken:
                right[true] += 1
            else:
                wrong[true, taken] += 1
                videos.setdefault((true, taken), Counter())[video] += 1
    accuracy = {name: 100 * right[name] / total[name] for name in total}
    most = sorted(wrong, key=lambda pair: (-wrong[pair], pair))[:PAIRS]
    return ClassAccuracy(
        label,
        dict(sorted(accuracy.items(), key=lambda item: (-item[1], item[0]))),
        [Confusion(*pair, wrong[pair], total[pair[0]], videos[pair].most_common(1)[0][0]) for pair in most],
    )


def strips_of(examples: Sequence[str], videos: Sequence[str], store: FrameStore) -> list[np.ndarray]:
    """Put frames that are spread over each example's length side by side: uint8 (size, width, 3).

    Args:
        videos: paths of all videos in the store, in its order.
    Raises:
        AurlError: the frames are damaged.
    """
    number_of = {path: number for number, path in enumerate(videos)}
    gap = np.full((store.size, GAP, 3), 255, np.uint8)
    strips = []
    for number in (number_of[example] for example in examples):
        images = store.read(number, np.linspace(0, store.num_frames()[number] - 1, FRAMES).round().astype(int))
        strips.append(np.concatenate([part for image in images for part in (image, gap)][:-1], axis=1))
    return strips


def draw_classes(variant: str, test_sets: Sequence[ClassAccuracy], strips: Sequence[list[np.ndarray]], clips: int,
                 seeds: int) -> Drawing:  # fmt: skip
    """Draw bars of every class in columns, and below them the confused pairs with their strips of frames.

    Args:
        strips: for each test set and each of its confused pairs, an image (height, width, 3).
        clips: clips of a video. seeds: how many networks were counted.
    """
    bands = in_bands(test_sets)
    columns = max(sum(len(parts) for _, parts in band) for band in bands)
    rows = [max(len(part) for _, parts in band for part in parts) for band in bands]
    heights = [height for longest in rows for height in (0.6 + 0.15 * longest, 0.3 + 0.95 * PAIRS)]
    figure = new_figure(sum(heights), max(WIDTH, 3.2 * columns))
    parts_of_figure = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for number, (band, longest) in enumerate(zip(bands, rows, strict=True)):
        above, below = parts_of_figure[2 * number : 2 * number + 2]
        draw_accuracies(above, test_sets, band, longest, columns)
        shown = [position for position, _ in band]
        width = max(map(len, bands))
        draw_pairs(below, [test_sets[position] for position in shown], [strips[position] for position in shown], width)
    sentences = " ".join(summarise(test_set) for test_set in test_sets)
    measured = f"{counted(clips, 'clip')} a video, by {variant}, over {counted(seeds, 'seed')}"
    caption = (
        f"Above: top-1 of each class among all classes, {measured}."
        " Below: the pairs that are confused most, true → predicted, with how many of the true class's predictions they"
        f" are, and frames of one such video. {sentences}"
    )
    return Drawing(NAME, TITLE, caption, f"Bars of {variant}'s accuracy by class. {sentences}", figure)


def in_bands(test_sets: Sequence[ClassAccuracy]) -> list[Band]:
    """Put the test sets side by side, in bands of at most `BAND` columns of classes."""
    bands: list[Band] = []
    for position, test_set in enumerate(test_sets):
        parts = in_columns(list(test_set.accuracy.items()))
        if not bands or sum(len(others) for _, others in bands[-1]) + len(parts) > BAND:
            bands.append([])
        bands[-1].append((position, parts))
    return bands


def in_columns(items: list[tuple[str, float]]) -> list[Column]:
    """Divide the classes into columns of nearly equal length, `COLUMN` in each where `COLUMNS` suffice."""
    parts = min(COLUMNS, math.ceil(len(items) / COLUMN))
    length = math.ceil(len(items) / parts)
    return [items[begin : begin + length] for begin in range(0, len(items), length)]


def draw_accuracies(figure: FigureBase, test_sets: Sequence[ClassAccuracy], band: Band, rows: int, width: int) -> None:
    """Draw a band's columns of bars.

    Args:
        rows: classes in the longest column. width: columns of the widest band.
    """
    columns = [(position, part) for position, parts in band for part in parts]
    grid = figure.subplots(1, width, squeeze=False)[0]
    for axes in grid[len(columns) :]:
        axes.axis("off")
    for axes, (position, part) in zip(grid, columns, strict=False):
        draw_bars(axes, part, rows, position)
        first = part is next(parts[0] for number, parts in band if number == position)
        what = "top-1 of each class [%]" if first else "continued"
        label = test_sets[position].label
        axes.set_title(f"{label}, {what}" if len(label) <= LONG else f"{label},\n{what}", fontsize=9)


def draw_pairs(
    figure: FigureBase, test_sets: Sequence[ClassAccuracy], strips: Sequence[list[np.ndarray]], width: int
) -> None:
    """Draw a column of confused pairs for each test set, each pair with its strip of frames.

    Args:
        width: test sets of the widest band.
    """
    grid = figure.subplots(PAIRS, width, squeeze=False)
    for axes in grid.ravel():
        axes.axis("off")
    for column, (test_set, images) in enumerate(zip(test_sets, strips, strict=True)):
        for axes, pair, image in zip(grid[:, column], test_set.confused, images, strict=False):
            axes.imshow(image, interpolation="nearest")
            axes.set_anchor("W")
            axes.set_title(
                f"{shortened(pair.true)} → {shortened(pair.predicted)}: {pair.count} of {pair.of}",
                loc="left",
                fontsize=8,
            )


def draw_bars(axes: Axes, part: Column, rows: int, number: int) -> None:
    """Draw a bar for each class, the best on top; `rows` is the length of the longest column."""
    names, values = zip(*part, strict=True)
    axes.barh(range(len(part)), values, linewidth=0.3, **bar_style(number))
    axes.set_yticks(range(len(part)), [shortened(name) for name in names], fontsize=7.5)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.tick_params(axis="y", length=0)


def summarise(test_set: ClassAccuracy) -> str:
    """Name the best and worst classes and the most confused pairs of a test set."""
    named = list(test_set.accuracy.items())
    best, worst = (", ".join(f"{name} {value:.0f} %" for name, value in part) for part in (named[:3], named[-3:]))
    zero = sum(value == 0 for value in test_set.accuracy.values())
    pairs = [f"{pair.true} → {pair.predicted} {pair.count} of {pair.of}" for pair in test_set.confused]
    return (
        f"{test_set.label}: best {best}; worst {worst}; {zero} of {len(named)} classes at 0 %;"
        f" most confused {', '.join(pairs) or 'none'}."
    )

"""Accuracy of each class, sorted, and the most confused pairs, each with frames of a video."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from aurl.datasets.table import iterate_usable
from aurl.evaluation.feature_file import read_features
from aurl.evaluation.metrics import cosine_similarity
from aurl.frames.store import FrameStore
from aurl.report.figures.style import COLOURS, HATCHES, WIDTH, Drawing, counted, new_figure, nothing_yet, shortened

NAME, TITLE = "classes", "Accuracy of each class, and the most confused pairs"
PAIRS = 5
FRAMES = 6
COLUMN = 52  # classes that stand in one column: HMDB51's 51, half of UCF101's 101
GAP = 2  # pixels between frames


@dataclass(frozen=True)
class Confusion:
    """Videos of class `true` that were taken for `predicted`, of all of its predictions, with the path of one."""

    true: str
    predicted: str
    count: int
    of: int
    example: str


@dataclass(frozen=True)
class ClassAccuracy:
    """One test set: percent right of each class that has videos, and its most confused pairs, most first."""

    label: str
    accuracy: dict[str, float]
    confused: list[Confusion]


def class_accuracy(label: str, features: Sequence[Path], clips: int) -> ClassAccuracy:
    """What a network predicts, over all classes, counted over seeds.

    Args:
        features: of one test set, by one variant, one file for each seed.
    Raises:
        AurlError: a features file is damaged.
    """
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    wrong: Counter[tuple[str, str]] = Counter()
    videos: dict[tuple[str, str], Counter[str]] = {}
    for path in features:
        found = read_features(path)
        best = cosine_similarity(found.videos[clips], found.classes).argmax(dim=1).tolist()
        for video, label_number, predicted in zip(found.paths, found.labels.tolist(), best, strict=True):
            true, taken = found.class_names[label_number], found.class_names[predicted]
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


def strips_of(videos: Sequence[str], manifest: Path, broken: str, frames_index: Path) -> list[np.ndarray]:
    """For each video frames that are spread over its length, side by side: uint8 (size, width, 3).

    Raises: AurlError if the manifest or the frames are missing or damaged.
    """
    wanted = set(videos)
    number_of = {
        row["path"]: number for number, row in enumerate(iterate_usable(manifest, broken)) if row["path"] in wanted
    }
    store = FrameStore(frames_index)
    gap = np.full((store.size, GAP, 3), 255, np.uint8)
    made = []
    for number in (number_of[video] for video in videos):
        images = store.read(number, np.linspace(0, store.num_frames()[number] - 1, FRAMES).round().astype(int))
        made.append(np.concatenate([part for image in images for part in (image, gap)][:-1], axis=1))
    return made


def draw_classes(variant: str, test_sets: list[ClassAccuracy], strips: list[list[np.ndarray]], clips: int,
                 seeds: int) -> Drawing:  # fmt: skip
    """Bars of every class in columns, and below them the confused pairs with their strips of frames.

    Args:
        strips: for each test set and each of its confused pairs, an image (height, width, 3).
    """
    if not test_sets:
        return nothing_yet(NAME, TITLE)
    columns = [
        (number, part) for number, found in enumerate(test_sets) for part in in_columns(list(found.accuracy.items()))
    ]
    rows = max(len(part) for _, part in columns)
    bars_height, pairs_height = 0.6 + 0.125 * rows, 0.3 + 0.95 * PAIRS
    figure = new_figure(bars_height + pairs_height, max(WIDTH, 3.2 * len(columns)))
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(bars_height, pairs_height))[:, 0]
    for axes, (number, part) in zip(above.subplots(1, len(columns), squeeze=False)[0], columns, strict=True):
        draw_bars(axes, part, rows, number)
        axes.set_title(f"{test_sets[number].label}, top-1 of each class [%]", fontsize=8)
    grid = below.subplots(PAIRS, len(test_sets), squeeze=False)
    for column, (found, images) in enumerate(zip(test_sets, strips, strict=True)):
        for axes in grid[:, column]:
            axes.axis("off")
        for axes, pair, image in zip(grid[:, column], found.confused, images, strict=False):
            axes.imshow(image, interpolation="nearest")
            axes.set_anchor("W")
            axes.set_title(
                f"{shortened(pair.true)} → {shortened(pair.predicted)}: {pair.count} of {pair.of}",
                loc="left",
                fontsize=8,
            )
    told = [sentence(found) for found in test_sets]
    caption = (
        f"Above: top-1 of each class among all classes, {counted(clips, 'clip')} a video, by {variant}, over"
        f" {counted(seeds, 'seed')}."
        " Below: the pairs that are confused most, true → predicted, with how many of the true class's predictions they"
        f" are, and frames of one such video. {' '.join(told)}"
    )
    return Drawing(NAME, TITLE, caption, f"Bars of {variant}'s accuracy by class. {' '.join(told)}", figure)


def in_columns(items: list[tuple[str, float]]) -> list[list[tuple[str, float]]]:
    """The classes in parts of nearly equal length, at most `COLUMN` in each."""
    parts = math.ceil(len(items) / COLUMN)
    length = math.ceil(len(items) / parts)
    return [items[begin : begin + length] for begin in range(0, len(items), length)]


def draw_bars(axes: Axes, part: list[tuple[str, float]], rows: int, number: int) -> None:
    """A bar for each class, the best on top; `rows` is the length of the longest column."""
    names, values = zip(*part, strict=True)
    axes.barh(range(len(part)), values, color=COLOURS[number], hatch=HATCHES[number % len(HATCHES)], edgecolor="white",
              linewidth=0.3)  # fmt: skip
    axes.set_yticks(range(len(part)), [shortened(name) for name in names], fontsize=6)
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.tick_params(axis="y", length=0)


def sentence(found: ClassAccuracy) -> str:
    """The best and worst classes and the most confused pairs of a test set."""
    named = list(found.accuracy.items())
    best, worst = (", ".join(f"{name} {value:.0f} %" for name, value in part) for part in (named[:3], named[-3:]))
    zero = sum(value == 0 for value in found.accuracy.values())
    pairs = ", ".join(f"{pair.true} → {pair.predicted} {pair.count} of {pair.of}" for pair in found.confused) or "none"
    return f"{found.label}: best {best}; worst {worst}; {zero} of {len(named)} classes at 0 %; most confused {pairs}."

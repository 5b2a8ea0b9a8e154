"""Draw whether the class generator's synthetic classes lie where the unseen classes lie."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from aurl.inference.encode import encode_words
from aurl.losses.base import class_generator
from aurl.models.checkpoint import load_model
from aurl.models.cosine import unit
from aurl.report.drawing.projection import principal_axes
from aurl.report.drawing.style import COLOURS, WIDTH, Drawing, empty_drawing, legend_columns, new_figure, stroke_style
from aurl.report.figures.base import FigureData
from aurl.semantics.classes import read_seen_classes

NAME, TITLE = "coverage", "Seen, synthetic and unseen classes"
ORDER = 30
SEED = 0  # of the one draw that is shown
SHAPES = "oxD^vsPX*<>ph"


@dataclass(frozen=True)
class GeneratedClasses:
    """Class embeddings in the learned space, (n, d), unit length: seen, synthetic, and unseen by test set."""

    seen: np.ndarray
    synthetic: np.ndarray
    unseen: dict[str, np.ndarray]


def draw(data: FigureData) -> Drawing:
    """Draw the classes of the first network that was trained with a class generator."""
    for (variant, seed), checkpoint in data.inputs.checkpoints.items():
        settings = data.settings["variants"][variant]
        generator = class_generator(settings)
        if generator is not None and data.inputs.seen_classes is not None:
            words = data.embeddings(data.settings["seen"])
            trained = read_seen_classes(data.inputs.seen_classes, settings.strict_labels)
            unseen = {
                data.test_sets.get(dataset, dataset): data.embeddings(dataset).vectors
                for dataset in data.inputs.embeddings
                if dataset != data.settings["seen"]
            }
            seen = words.vectors[np.isin(words.classes, trained)]
            classes = generate(checkpoint, generator, seen, unseen)
            return draw_classes(classes, f"{data.variants[variant]}, seed {seed}")
    return empty_drawing(NAME, TITLE)


def generate(
    checkpoint: Path,
    generator: Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]],
    seen: np.ndarray,
    unseen: dict[str, np.ndarray],
) -> GeneratedClasses:
    """Embed c(y) of seen and unseen classes with a trained word projector, and draw synthetic classes from the seen.

    Args:
        checkpoint: its description lies beside it. generator: as `aurl.losses.base.class_generator` gives it.
        seen: (K, dimension). unseen: test set -> (U, dimension).
    Raises:
        AurlError: the checkpoint or its description is missing or damaged.
    """
    model, _ = load_model(checkpoint)
    embedded, *others = (
        torch.from_numpy(encode_words(model, vectors)).double() for vectors in (seen, *unseen.values())
    )
    _, synthetic = generator(embedded, embedded, torch.Generator().manual_seed(SEED))
    return GeneratedClasses(
        unit(embedded).numpy(), unit(synthetic).numpy(),
        {name: unit(of).numpy() for name, of in zip(unseen, others, strict=True)},
    )  # fmt: skip


def draw_classes(classes: GeneratedClasses, network: str) -> Drawing:
    """Draw the classes on two principal axes, and the cosines of unseen classes with their nearest others."""
    figure = new_figure(4.6)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    share = draw_plane(left, classes)
    unseen = np.concatenate(list(classes.unseen.values()))
    nearest = {
        "seen": (unseen @ classes.seen.T).max(axis=1),
        "synthetic": (unseen @ classes.synthetic.T).max(axis=1),
    }
    draw_distributions(right, nearest)
    for axes in (left, right):
        columns = min(4, legend_columns(axes.get_legend_handles_labels()[1], 0.6 * WIDTH))
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=columns)
    covered = float((nearest["synthetic"] > nearest["seen"]).mean())
    medians = {name: float(np.median(values)) for name, values in nearest.items()}
    counts = f"{len(classes.seen)} seen, {len(classes.synthetic)} synthetic and {len(unseen)} unseen classes"
    finding = (
        f"The median cosine of an unseen class with its nearest seen class is {medians['seen']:.3f}, with its nearest"
        f" synthetic class {medians['synthetic']:.3f}; {100 * covered:.0f} % of the unseen classes are nearer to a"
        " synthetic class than to every seen one."
    )
    caption = (
        f"Left: {counts} in the class space of {network}, on two principal axes of the seen and unseen ones"
        f" ({100 * share:.0f} % of their variance); synthetic ones are one draw of the class generator (seed {SEED}),"
        f" scaled to unit length. Right: share of unseen classes whose cosine with the nearest class is at most x."
        f" {finding}"
    )
    return Drawing(NAME, TITLE, caption, f"{counts[0].upper()}{counts[1:]}. {finding}", figure)


def draw_plane(axes: Axes, classes: GeneratedClasses) -> float:
    """Scatter on the axes of a PCA of seen and unseen classes; returns the share of variance that two axes keep."""
    fitted = np.concatenate([classes.seen, *classes.unseen.values()])
    centre = fitted.mean(axis=0)
    directions, share = principal_axes(fitted - centre, 2)
    groups = {"seen": classes.seen, "synthetic": classes.synthetic}
    groups |= {f"unseen, {name}": rows for name, rows in classes.unseen.items()}
    for number, (label, rows) in enumerate(groups.items()):
        places = (rows - centre) @ directions.T
        colour = COLOURS[number % len(COLOURS)]
        axes.scatter(
            places[:, 0], places[:, 1], s=22, marker=SHAPES[number % len(SHAPES)], linewidth=0.8,
            facecolor=colour if number else "none", edgecolor=None if number == 1 else colour,  # a cross has no edge
            label=label, zorder=3 if number == 1 else 2,
        )  # fmt: skip
    axes.set_xlabel("first principal axis")
    axes.set_ylabel("second principal axis")
    return share


def draw_distributions(axes: Axes, nearest: dict[str, np.ndarray]) -> None:
    """Draw empirical distribution functions of the cosine with the nearest class."""
    for number, (name, values) in enumerate(nearest.items()):
        axes.ecdf(values, label=f"nearest {name} class", **stroke_style(number))
    axes.set_xlabel("cosine of an unseen class with it")
    axes.set_ylabel("share of unseen classes")

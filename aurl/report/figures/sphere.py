"""Draw class and video embeddings of ten classes on the sphere, as the paper's Figure 1: baseline beside ours.

The ten classes are spaced evenly over a test set's classes in their order, the same in every panel. All unit
embeddings of these classes and their videos are projected onto their first three principal axes, without
centring, so that directions from the origin stay directions; then each is scaled to unit length.
"""

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from aurl.evaluation.feature_file import Features
from aurl.evaluation.labels import counted
from aurl.models.cosine import unit
from aurl.report.drawing.projection import principal_axes
from aurl.report.drawing.style import Drawing, empty_drawing, new_figure, point_style, shortened
from aurl.report.figures.base import FigureData

NAME, TITLE = "sphere", "Classes and their videos on the sphere"
ORDER = 20
CLASSES = 10
TILT = np.deg2rad(20)  # of the net that is drawn on the sphere


@dataclass(frozen=True)
class Projected:
    """Directions (n, 3) of classes and videos; the share of squared length that three axes keep; mean cosines."""

    classes: np.ndarray
    videos: np.ndarray
    labels: np.ndarray
    share: float
    own: float
    other: float


def draw(data: FigureData) -> Drawing:
    """Draw baseline and ours by the first seed, on the ablation table's test set for closeness."""
    networks = [(variant, seed) for variant, seed, dataset in data.cells if dataset == data.closeness_set]
    if not networks:
        return empty_drawing(NAME, TITLE)
    seed = networks[0][1]
    shown = data.baseline_and_proposed([variant for variant, _ in networks])
    features = {data.variants[variant]: data.features(variant, seed, data.closeness_set) for variant in shown}
    return draw_spheres(features, data.ablation_clips, data.test_sets[data.closeness_set], seed)


def draw_spheres(features: dict[str, Features], clips: int, test_set: str, seed: int) -> Drawing:
    """Draw one sphere for each variant, seen along its first axis.

    Args:
        features: label of a variant -> embeddings of one test set, by the network of a seed.
        clips: clips of a video. test_set: its label.
    """
    names = next(iter(features.values())).class_names
    chosen = chosen_classes(len(names))
    figure = new_figure(6.1)
    sentences = []
    for axes, (variant, embeddings) in zip(
        figure.subplots(1, len(features), squeeze=False)[0], features.items(), strict=True
    ):
        projected = project(embeddings, clips, chosen)
        draw_net(axes)
        draw_embeddings(axes, projected)
        axes.set_title(f"{variant}: {100 * projected.share:.0f} % of squared length kept")
        sentences.append(
            f"{variant}: a video's cosine with its own class is {projected.own:.2f} on average, with the nearest"
            f" other of these classes {projected.other:.2f}; the three axes keep {100 * projected.share:.0f} %."
        )
    labels = [shortened(names[number]) for number in chosen]
    handles = [
        Line2D([], [], linestyle="", markersize=8, markeredgecolor="black", **point_style(n))
        for n in range(len(chosen))
    ]
    figure.legend(handles, labels, loc="outside lower center", ncols=4 if max(map(len, labels)) > 16 else 5)
    caption = (
        f"Large marks are {len(chosen)} classes of {test_set}, spaced evenly over its class list, small marks their"
        f" videos ({counted(clips, 'clip')} each), by the networks of seed {seed}, on the first three principal axes"
        " (without centring) of these embeddings and scaled to unit length; hollow marks lie on the far side."
        f" {' '.join(sentences)}"
    )
    return Drawing(NAME, TITLE, caption, f"Spheres with {', '.join(labels)}. {' '.join(sentences)}", figure)


def chosen_classes(number: int) -> np.ndarray:
    """Choose ten classes spaced evenly over the list, or all where there are fewer: sorted indices."""
    return np.unique(np.linspace(0, number - 1, min(CLASSES, number)).round().astype(int))


def project(features: Features, clips: int, chosen: np.ndarray) -> Projected:
    """Project the chosen classes and their videos onto the axes that keep most of their squared length."""
    inside = np.isin(features.labels.numpy(), chosen)
    labels = np.searchsorted(chosen, features.labels.numpy()[inside])
    classes = unit(features.classes[chosen].double())
    videos = unit(features.videos[clips][inside].double())
    axes, share = principal_axes(torch.cat([classes, videos]).numpy(), 3)
    onto = torch.from_numpy(axes.T.copy())
    cosines = (videos @ classes.T).numpy()
    rows = np.arange(len(labels))
    own = cosines[rows, labels].mean()
    cosines[rows, labels] = -np.inf
    return Projected(
        unit(classes @ onto).numpy(), unit(videos @ onto).numpy(), labels, share, float(own),
        float(cosines.max(axis=1).mean()),
    )  # fmt: skip


def draw_net(axes: Axes) -> None:
    """Draw the sphere's outline, and the near half of its meridians and parallels."""
    turn = np.linspace(0, 2 * np.pi, 73)
    axes.plot(np.cos(turn), np.sin(turn), color="#666666", linewidth=1)
    for angle in np.deg2rad(range(-60, 90, 30)):
        draw_near(axes, np.cos(angle) * np.cos(turn), np.cos(angle) * np.sin(turn), np.full_like(turn, np.sin(angle)))
    for angle in np.deg2rad(range(0, 180, 30)):
        draw_near(axes, np.cos(turn) * np.cos(angle), np.cos(turn) * np.sin(angle), np.sin(turn))
    axes.set_aspect("equal")
    axes.axis("off")


def draw_near(axes: Axes, depth: np.ndarray, across: np.ndarray, up: np.ndarray) -> None:
    """Draw the part of a tilted line of the net that is in front."""
    depth, up = depth * np.cos(TILT) + up * np.sin(TILT), up * np.cos(TILT) - depth * np.sin(TILT)
    hidden = np.where(depth >= 0, 1.0, np.nan)
    axes.plot(across * hidden, up * hidden, color="#DDDDDD", linewidth=0.6, zorder=0)


def draw_embeddings(axes: Axes, projected: Projected) -> None:
    """Draw what is seen along the first axis: a class large, its videos small, in one shape and colour."""
    for row, place in enumerate(projected.classes):
        colour, marker = point_style(row).values()
        front = place[0] >= 0
        axes.scatter(place[1], place[2], s=110, marker=marker, facecolor=colour if front else "none",
                     edgecolor="black" if front else colour, linewidth=1 if front else 2, zorder=3)  # fmt: skip
        places = projected.videos[projected.labels == row]
        faces = [colour if depth >= 0 else "none" for depth in places[:, 0]]
        axes.scatter(
            places[:, 1], places[:, 2], s=14, marker=marker, facecolor=faces, edgecolor=colour, linewidth=0.6, zorder=2
        )

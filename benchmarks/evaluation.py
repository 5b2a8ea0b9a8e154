"""Evaluation: 50 half-class splits of a UCF101-sized test set, top-1 and top-5; closeness and dispersion.

    python benchmarks/run.py evaluation

13,320 random videos, 101 classes, 2048 dimensions. Against a distance matrix (scipy) that is computed and sorted for
each split, and loops over the classes; equal numbers are asserted.
"""

import statistics
import time

import numpy as np
import published_way
import torch
from harness import Comparison, interleaved, ratios

from aurl.evaluation.metrics import closeness, cosine_similarity, dispersion
from aurl.evaluation.protocol import evaluate_draws, half_class_split
from aurl.evaluation.protocols.half_splits import measure_splits
from aurl.system.compute import prepare_device

VIDEOS, CLASSES, DIMENSIONS, SPLITS = 13_320, 101, 2048, 50
TIMED_SPLITS = 5  # of the published way in each round; all splits cost the same
AIM = 120.0
NOTE = "What is possible is bounded by the one matrix product of videos and classes; the ratio varies with the load"
AGAINST, LOOP = "a distance matrix for each split, CPU time", "a loop over classes, CPU time"


def draw(videos: int = VIDEOS, classes: int = CLASSES, dimensions: int = DIMENSIONS) -> tuple[torch.Tensor, ...]:
    """Videos (N, d) scattered about their classes' directions, labels (N,), classes (K, d), float32."""
    random = torch.Generator().manual_seed(0)
    semantic = torch.randn(classes, dimensions, generator=random)
    labels = torch.randint(0, classes, (videos,), generator=random)
    return 0.05 * semantic[labels] + torch.randn(videos, dimensions, generator=random), labels, semantic


def measure() -> list[Comparison]:
    """Measure all of evaluation, the splits alone, and the two measures of uniformity."""
    prepare_device("cpu", 1)  # as a stage does
    videos, labels, classes = draw()
    splits = [half_class_split(CLASSES, seed) for seed in range(SPLITS)]
    arrays = [tensor.numpy() for tensor in (videos, labels, classes)]
    similarity = cosine_similarity(videos, classes)

    ours = [[scores["top1"], scores["top5"]] for scores in evaluate_draws(similarity, labels, splits)]
    theirs = [published_way.split_accuracies(*arrays, split) for split in splits]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    np.testing.assert_allclose(closeness(videos, labels, classes).item(), published_way.closeness(*arrays), rtol=1e-5)
    np.testing.assert_allclose(dispersion(videos, labels).item(), published_way.dispersion(*arrays[:2]), rtol=1e-5)

    units = torch.nn.functional.normalize(classes, dim=1)
    published, whole, alone, product, close, close_loop, disperse, disperse_loop = interleaved(
        lambda: [published_way.split_accuracies(*arrays, split) for split in splits[:TIMED_SPLITS]],
        lambda: list(measure_splits({1: videos}, labels, classes, [SPLITS])),
        lambda: evaluate_draws(cosine_similarity(videos, classes), labels, splits),
        lambda: videos @ units.T,
        lambda: closeness(videos, labels, classes),
        lambda: published_way.closeness(*arrays),
        lambda: dispersion(videos, labels),
        lambda: published_way.dispersion(*arrays[:2]),
        clock=time.process_time,
    )
    scaled = [took * SPLITS / TIMED_SPLITS for took in published]
    figures: dict[str, float | str] = {
        "what the matrix product alone would give [ratio]": statistics.median(ratios(scaled, product)),
        "equal numbers": f"top-1 and top-5 of all {SPLITS} splits",
    }
    return [
        Comparison("top-1 and top-5 of 50 splits", AGAINST, ratios(scaled, alone), AIM, figures=figures, note=NOTE),
        Comparison("the same with closeness and dispersion", AGAINST, ratios(scaled, whole), AIM, note=NOTE),
        Comparison("top-1 and top-5 of 50 splits", "their one matrix product alone, CPU time", ratios(alone, product), None,
                   "smaller"),
        Comparison("closeness", LOOP, ratios(close_loop, close), 1),
        Comparison("dispersion", LOOP, ratios(disperse_loop, disperse), 1),
    ]  # fmt: skip

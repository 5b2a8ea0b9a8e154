"""Closeness and dispersion: all classes at once.

    python benchmarks/run.py uniformity

The test set of benchmarks/evaluation.py; against loops over the classes (numpy and scipy, the same numbers).
"""

import time

import numpy as np
import published_way
import torch
from evaluation import drawn
from harness import Comparison, interleaved, ratios

from aurl.evaluation.metrics import closeness, dispersion


def measure() -> list[Comparison]:
    """Each of the two; equal values are asserted."""
    torch.set_num_threads(1)
    videos, labels, classes = drawn()
    arrays = [tensor.numpy() for tensor in (videos, labels, classes)]
    np.testing.assert_allclose(closeness(videos, labels, classes).item(), published_way.closeness(*arrays), rtol=1e-5)
    np.testing.assert_allclose(dispersion(videos, labels).item(), published_way.dispersion(*arrays[:2]), rtol=1e-5)
    close, close_loops, disperse, disperse_loops = interleaved(
        lambda: closeness(videos, labels, classes),
        lambda: published_way.closeness(*arrays),
        lambda: dispersion(videos, labels),
        lambda: published_way.dispersion(*arrays[:2]),
        clock=time.process_time,
    )
    against = "a loop over classes, CPU time"
    return [
        Comparison("closeness", against, ratios(close_loops, close), 1),
        Comparison("dispersion", against, ratios(disperse_loops, disperse), 1),
    ]

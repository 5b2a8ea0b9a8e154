"""The loader: clips that its workers deliver, against what the model takes.

    python benchmarks/run.py loader

At the size of `mini`, one worker and one training thread. Where there is a CUDA device also at full size, with a worker
on every other core. At 1 or more training never waits; wall time.
"""

import itertools
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from clips import SETTINGS, rendered, store
from harness import Comparison, seconds

from aurl.experiment.presets import load_preset
from aurl.frames.store import FrameStore
from aurl.plan.cost import measure_step
from aurl.plan.report import largest_shape
from aurl.training.batches import ClipBatches, batch_loader

AIM = 1.5
ROUNDS, BATCH = 5, 32


def compare(preset: str, frames: FrameStore, workers: int, device: str, load: int) -> Comparison:
    """Deliver `load` batches and time training steps, in every round; clips/s over clips/s."""
    experiment = load_preset(preset)
    batches = ClipBatches(
        frames, np.arange(len(frames)), np.arange(len(frames)), batch_size=BATCH, steps_per_epoch=len(frames) // BATCH,
        epochs=10**6, clip_length=experiment.model.clip_length, shuffling_seed=0, clip_starts_seed=1,
    )  # fmt: skip
    delivered = iter(batch_loader(batches, 0, workers, device == "cuda"))
    list(itertools.islice(delivered, load))
    rates = []
    for _ in range(ROUNDS):
        loading = seconds(lambda: list(itertools.islice(delivered, load))) / (load * BATCH)
        rates.append(measure_step(experiment, largest_shape(experiment), device, BATCH).seconds / loading)
    what = f"{preset}: clips/s delivered, {workers} worker{'s' * (workers > 1)}"
    return Comparison(what, f"clips/s of a training step on {device}", rates, AIM)


def measure() -> list[Comparison]:
    """Measure at the size of `mini`; at full size on a GPU."""
    with tempfile.TemporaryDirectory() as scratch:
        experiment = load_preset("mini")
        render = experiment.datasets[experiment.seen].source.render
        assert render is not None
        small = rendered(Path(scratch) / "small", "h264", 128, render.width, render.height, render.frames)
        settings = experiment.frames.model_dump(include={"size", "quality", "chroma"})
        rows = [compare("mini", store(Path(scratch) / "mini", small, settings), 1, "cpu", 160)]
        if torch.cuda.is_available():
            large = store(Path(scratch) / "full", rendered(Path(scratch) / "large", "h264", 128), SETTINGS)
            rows.append(compare("paper", large, max(1, (os.cpu_count() or 2) - 1), "cuda", 60))
        return rows

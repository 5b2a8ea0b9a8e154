"""The loader: clips that its workers deliver, against what the model takes.

    python benchmarks/run.py loader

At the size of `mini`, one worker and one training thread. Where there is a CUDA device also at full size, with a worker
on every other core. At 1 or more training never waits; wall time.
"""

import itertools
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from clips import SETTINGS, rendered, store
from harness import Comparison, interleaved, ratios, seconds

from aurl.experiment.read import load_experiment
from aurl.frames.store import FrameStore
from aurl.models.shape import variant_shape
from aurl.system.compute import prepare_device
from aurl.training.batches import ClipBatches, batch_loader
from aurl.training.loop import TrainingData, build_model
from aurl.training.objective import Objective
from aurl.training.optimizer import make_optimizer
from aurl.training.step import TrainingStep

AIM = 1.5
PRESETS = Path(__file__).resolve().parents[1] / "presets"


def compare(
    preset: str, frames: FrameStore, classes: int, batch: int, workers: int, device_name: str, load: int, steps: int
) -> Comparison:
    """Deliver `load` batches, and train `steps` of them, in every round; clips/s over clips/s."""
    experiment = load_experiment(PRESETS / f"{preset}.yaml")
    settings, compute = experiment.variants["aurl"], experiment.training.compute
    device = prepare_device(device_name, 1)
    random = torch.Generator().manual_seed(0)
    data = TrainingData(
        [f"class {number}" for number in range(classes)], torch.randn(classes, 300, generator=random),
        np.arange(len(frames)), np.arange(len(frames)) % classes, frames,
    )  # fmt: skip
    per_epoch = len(frames) // batch
    batches = ClipBatches(
        frames, data.videos, data.labels, batch_size=batch, steps_per_epoch=per_epoch, epochs=10**6,
        clip_length=experiment.model.clip_length, shuffling_seed=0, clip_starts_seed=1,
    )  # fmt: skip
    delivered = iter(batch_loader(batches, 0, workers, device.type == "cuda"))
    shape = variant_shape(experiment.model, settings, 300, classes)
    model = build_model(shape, 0, device, compute.channels_last)
    optimizer = make_optimizer(model.parameters(), settings.optimizer or experiment.training.optimizer)
    objective = Objective(settings.losses, experiment.training.scale)
    step = TrainingStep(model, optimizer, objective, data.embeddings.to(device), compute)
    given = [tuple(tensor.to(device) for tensor in batches[number]) for number in range(steps)]

    def train() -> None:
        for number, (clips, labels) in enumerate(given):
            step(clips, labels, number, number)
        if device.type == "cuda":
            torch.cuda.synchronize()

    loading, training = interleaved(lambda: list(itertools.islice(delivered, load)), train)
    rates = ratios([took / steps for took in training], [took / load for took in loading])
    inside = seconds(lambda: [batches[number] for number in range(steps)], time.process_time)
    share = inside / (inside + seconds(train, time.process_time))
    figures: dict[str, float | str] = {"loading, of loading and step in one process [% of CPU time]": 100 * share}
    what = f"{preset}: clips/s delivered, {workers} worker{'s' * (workers > 1)}"
    return Comparison(what, f"clips/s of a training step on {device.type}", rates, AIM, figures=figures)


def measure() -> list[Comparison]:
    """At the size of `mini`; at full size on a GPU."""
    with tempfile.TemporaryDirectory() as scratch:
        experiment = load_experiment(PRESETS / "mini.yaml")
        small = rendered(Path(scratch) / "small", "h264", 128, 64, 48, (32, 48))
        frames = store(
            Path(scratch) / "mini", small, experiment.frames.model_dump(include={"size", "quality", "chroma"})
        )
        rows = [compare("mini", frames, 295, 32, 1, "cpu", 160, 8)]
        if torch.cuda.is_available():
            large = store(Path(scratch) / "full", rendered(Path(scratch) / "large", "h264", 128), SETTINGS)
            rows.append(compare("paper", large, 662, 32, max(1, (os.cpu_count() or 2) - 1), "cuda", 60, 8))
        return rows

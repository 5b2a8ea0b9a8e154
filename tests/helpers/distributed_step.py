"""A step of training in fp64, dropout 0 and BatchNorm in evaluation mode: where splitting a batch changes nothing."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aurl.experiment.presets import load_preset
from aurl.frames.store import FrameStore
from aurl.models.shape import variant_shape
from aurl.training.batches import ClipBatches
from aurl.training.distributed import World
from aurl.training.loop import build_model, make_optimizer
from aurl.training.objective import Objective
from aurl.training.step import TrainingStep

BATCH, CLASSES, ACCUMULATION = 8, 6, 2
MICRO = load_preset("micro")


def batches_of(frames_index: Path, world: World) -> ClipBatches:
    """This process's batches of 24 videos, of which each one's number is its label's video."""
    videos = np.arange(24)
    return ClipBatches(
        FrameStore(frames_index), videos, videos % CLASSES, batch_size=BATCH, steps_per_epoch=3, epochs=2,
        clip_length=4, shuffling_seed=1, clip_starts_seed=2, rank=world.rank, shard=BATCH // world.size,
    )  # fmt: skip


def gradients_of(variant: str, batches: ClipBatches, world: World, accumulation: int) -> dict[str, Tensor]:
    """The gradient of every parameter, the logged row, and the videos of the first epoch of this process."""
    settings = MICRO.variants[variant]
    rng = np.random.default_rng(3)
    shape = variant_shape(MICRO.model.model_copy(update={"dropout": 0.0}), settings, 300, CLASSES)
    model = build_model(shape, 5, torch.device("cpu"), channels_last=True).double().eval()
    objective = Objective(settings.losses, MICRO.training.scale)
    optimizer = make_optimizer(model.parameters(), MICRO.optimizer(variant))
    embeddings = torch.from_numpy(rng.normal(size=(CLASSES, 300)))
    step = TrainingStep(model, optimizer, objective, embeddings, MICRO.training.compute, accumulation, world)
    clips, labels = batches[0]
    row = step.gradients(clips, labels, dropout_seed=1, generator_seed=2)
    parameters = model.named_parameters()
    found = {name: p.grad.contiguous() for name, p in parameters if p.grad is not None}
    seen = [batches.videos[batches.chosen(number)] for number in range(batches.steps_per_epoch)]
    return {**found, "row": row, "videos": torch.from_numpy(np.concatenate(seen))}

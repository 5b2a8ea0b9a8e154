"""Compute the cost of a training step: FLOPs, memory, and its time on this machine."""

import time
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from aurl.experiment.settings import Experiment
from aurl.losses import seen
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel
from aurl.system.compute import prepare_device
from aurl.training.loop import build_model
from aurl.training.objective import Objective
from aurl.training.optimizer import make_optimizer
from aurl.training.step import TrainingStep

MEASURED_STEPS = 2


@dataclass(frozen=True)
class ClipCost:
    """Hold a clip's FLOPs forward, FLOPs forward and backward, float32 bytes kept for the backward pass."""

    forward: float
    training: float
    kept_bytes: float


@dataclass(frozen=True)
class StepTime:
    """Hold the seconds for one training clip on a device."""

    name: str
    kind: str
    seconds: float


def clip_cost(shape: ModelShape, clip_length: int, size: int) -> ClipCost:
    """Count FLOPs and bytes of a clip on tensors without contents.

    Class embeddings and losses are left out (below 1 % of the whole).
    """
    with torch.device("meta"):
        model = ZeroShotModel(shape).train()
        clips = torch.zeros(2, clip_length, size, size, 3, dtype=torch.uint8)
    kept: dict[int, int] = {}
    weights = {_storage(parameter) for parameter in model.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        if _storage(tensor) not in weights:
            kept[_storage(tensor)] = tensor.numel() * 4
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        with FlopCounterMode(display=False) as forward:
            embedded = model.embed_videos(clips)
        with FlopCounterMode(display=False) as backward:
            embedded.sum().backward()
    one, back = forward.get_total_flops() / 2, backward.get_total_flops() / 2
    return ClipCost(one, one + back, sum(kept.values()) / 2)


def measure_step(experiment: Experiment, shape: ModelShape, kind: str, batch: int) -> StepTime:
    """Time real steps on noise, on `cpu` or `cuda`, with the experiment's settings, not compiled."""
    compute = experiment.training.compute.model_copy(update={"device": kind, "compile": False})
    device = prepare_device(kind, compute.threads)
    model = build_model(shape, 0, device, compute.channels_last)
    optimizer = make_optimizer(model.parameters(), experiment.training.optimizer)
    objective = Objective({"seen": seen.Settings(weight=1)}, experiment.training.scale)
    classes = torch.randn(8, experiment.semantics.encoder.dimension, device=device)
    step = TrainingStep(model, optimizer, objective, classes, compute)
    size = experiment.frames.size
    clips = torch.randint(0, 256, (batch, experiment.model.clip_length, size, size, 3), dtype=torch.uint8).to(device)
    labels = torch.arange(batch, device=device) % 8
    step(clips, labels, 0, 0).cpu()
    started = time.perf_counter()
    for number in range(MEASURED_STEPS):
        step(clips, labels, number, number).cpu()
    seconds = (time.perf_counter() - started) / MEASURED_STEPS / batch
    name = torch.cuda.get_device_name(device) if kind == "cuda" else "CPU"
    return StepTime(name, kind, seconds)


def _storage(tensor: Tensor) -> int:
    """Return the address of a tensor's storage, which identifies a tensor without contents."""
    return int(tensor.untyped_storage()._cdata)

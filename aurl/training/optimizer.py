"""Build the optimiser, and compute the learning-rate schedule."""

import math
from collections.abc import Iterable

import torch
from torch.nn import Parameter

from aurl.experiment.settings import OptimizerSettings


def make_optimizer(parameters: Iterable[Parameter], settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Build SGD with momentum, or Adam; weight decay on every parameter (released code)."""
    if settings.name == "sgd":
        return torch.optim.SGD(
            parameters, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay
        )
    return torch.optim.Adam(parameters, lr=settings.lr, weight_decay=settings.weight_decay)


def learning_rate(step: int, steps_per_epoch: int, total_steps: int, settings: OptimizerSettings) -> float:
    """Compute the rate of a step (counted from 0), set *before* the step.

    The released code sets it after, so that its first step runs at the full rate and the rest lags by one.
    `cosine`: linear warm-up from 0, then a half cosine to 0 (released code). `steps`: times gamma at each
    milestone (in epochs).
    """
    if settings.schedule == "steps":
        passed = sum(step >= milestone * steps_per_epoch for milestone in settings.milestones)
        return settings.lr * settings.gamma**passed
    warmup = settings.warmup_epochs * steps_per_epoch
    if step < warmup:
        return settings.lr * step / warmup
    return settings.lr * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1.0, total_steps - warmup)))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every parameter group."""
    for group in optimizer.param_groups:
        group["lr"] = rate

"""Minimise a loss over the seen videos by Adam, in mini-batches, for a fixed number of steps."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from aurl.experiment.base import Positive
from aurl.experiment.methods import MethodSettings

if TYPE_CHECKING:
    from torch import Generator, Tensor


class DescentSettings(MethodSettings):
    """The recipe of a method that is learnt by Adam.

    *assumed*: the number of steps, so that a fit takes seconds, and with it the rate; the released code of ER takes
    some 50,000 steps at a rate of 1e-4 with warm-up and cosine.

    Attributes:
        steps: of Adam. lr: the rate, which falls to zero by a cosine. batch: videos of a step; at most all are taken.
        weight_decay: times the weights, added to the gradient.
    """

    steps: Positive = 1500
    lr: Annotated[float, Field(gt=0)] = 1e-3
    batch: Positive = 128
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


Weights = Mapping[str, "Tensor"]


def descend(
    start: Weights, loss: "Callable[[Weights, Tensor, Generator], Tensor]", videos: int, settings: DescentSettings,
    random: "Generator",
) -> "dict[str, Tensor]":  # fmt: skip
    """Minimise a loss.

    Args:
        start: the first weights by name; they stay as they are.
        loss: gives the loss (a scalar) of weights on a batch: int64 (b,) numbers of videos, and a generator for
            whatever else it draws.
        videos: N. random: draws the batches; each epoch is a permutation.
    Returns: the last weights.
    """
    from aurl.heads import learning

    learnt = {name: tensor.detach().clone().requires_grad_() for name, tensor in start.items()}
    draws = batches(videos, settings.batch, settings.steps, random)
    learning.descend(
        learnt.values(), lambda: loss(learnt, next(draws), random), settings.steps, settings.lr, settings.weight_decay,
        largest=None,
    )  # fmt: skip
    return {name: tensor.detach() for name, tensor in learnt.items()}


def batches(videos: int, batch: int, steps: int, random: "Generator") -> "Iterator[Tensor]":
    """Draw the numbers of the videos of each step, int64 (b,), from one permutation after the other."""
    import torch

    size = min(videos, batch)
    waiting = torch.empty(0, dtype=torch.int64)
    for _ in range(steps):
        if len(waiting) < size:
            waiting = torch.cat([waiting, torch.randperm(videos, generator=random)])
        yield waiting[:size]
        waiting = waiting[size:]


def uniform(rows: int, columns: int, fan: int, random: "Generator") -> "Tensor":
    """Draw weights (rows, columns) from U(-b, b), b = 1 / sqrt(fan), as torch does."""
    import torch

    return (2 * torch.rand(rows, columns, generator=random) - 1) / fan**0.5


def drop(values: "Tensor", share: float, random: "Generator") -> "Tensor":
    """Set a share of values (any shape) to zero, and scale the others so that the mean stays: dropout."""
    import torch

    if share == 0:
        return values
    return values * (torch.rand(values.shape, generator=random) >= share) / (1 - share)

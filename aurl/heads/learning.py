"""Train small networks: a seed of their own, batches, Adam, tensors to keep."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

LARGEST_GRADIENT = 10.0  # as in the released code of ER


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from a seed inside the block, and leave the draws outside as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def endless_batches(videos: int, size: int) -> Iterator[Tensor]:
    """Yield rows of shuffled batches without end: int64 (size,), the last fewer."""
    while True:
        yield from torch.randperm(videos).split(size)


def descend(parameters: Iterable[Tensor], loss: Callable[[], Tensor], steps: int, rate: float,
            decay: float = 0.0, largest: float | None = LARGEST_GRADIENT) -> None:  # fmt: skip
    """Minimise a loss by Adam; its rate falls to 0 along half a cosine.

    Args:
        loss: draws a batch and gives a scalar. decay: weight decay, added to the gradient.
        largest: length that gradients are cut to; None for no limit.
    """
    moved = list(parameters)
    optimizer = torch.optim.Adam(moved, lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with torch.enable_grad():
        for _ in range(steps):
            optimizer.zero_grad()
            loss().backward()
            if largest is not None:
                nn.utils.clip_grad_norm_(moved, largest)
            optimizer.step()
            schedule.step()


def kept(network: nn.Module, name: str = "network") -> dict[str, Tensor]:
    """Copy a network's tensors, their names after `name.`."""
    return {f"{name}.{key}": value.detach().clone() for key, value in network.state_dict().items()}


def restore(network: nn.Module, weights: Mapping[str, Tensor], name: str = "network") -> None:
    """Load the tensors that `kept` gave, and switch dropout off."""
    start = f"{name}."
    network.load_state_dict({key.removeprefix(start): value for key, value in weights.items() if key.startswith(start)})
    network.eval()

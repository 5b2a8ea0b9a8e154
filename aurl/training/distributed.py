"""Several processes, one training: torchrun's ranks, their shards of a batch, and averaged gradients."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from aurl.errors import AurlError
from aurl.models.zero_shot import ZeroShotModel


@dataclass(frozen=True)
class World:
    """The processes of one training and which of them this is; one process is a world of size 1."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "World":
        """The world that torchrun describes in its environment variables; a world of one without them."""
        return cls(*(int(environment.get(name, default)) for name, default in
                     (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0))))  # fmt: skip

    def shard(self, batch_size: int, accumulation: int) -> int:
        """Clips of a batch that each process takes. Raises: AurlError if they cannot be dealt out evenly."""
        if batch_size % (self.size * accumulation):
            raise AurlError(
                f"training.batch_size = {batch_size}: not a multiple of training.processes ({self.size}) times"
                f" training.accumulation ({accumulation})"
            )
        return batch_size // self.size


ALONE = World()


@contextmanager
def joined(world: World, device: torch.device) -> Iterator[None]:
    """Meet the other processes, and leave them together (nothing to do in a world of one)."""
    if world.size == 1:
        yield
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
        dist.barrier()
    finally:
        dist.destroy_process_group()


def average(tensors: Sequence[Tensor], world: World) -> None:
    """Replace tensors of one type by their mean over all processes, in one exchange."""
    if world.size == 1:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    dist.all_reduce(flat)
    flat /= world.size
    for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(mean.view_as(tensor))


def synchronise_batch_norm(model: ZeroShotModel, world: World, device: torch.device) -> ZeroShotModel:
    """Let BatchNorm see the clips of all processes (released code).

    Only on the video side: all processes embed the same class names. torch has it for CUDA alone; on CPUs each
    process normalises with its own clips.
    """
    if world.size > 1 and device.type == "cuda":
        for side in ("backbone", "video_projector"):
            setattr(model, side, nn.SyncBatchNorm.convert_sync_batchnorm(getattr(model, side)))
    return model


def launch(processes: int, command: Sequence[str]) -> int:
    """Start an `aurl` command in `processes` processes on this machine by torchrun; returns its exit status."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    return subprocess.run([*torchrun, "--module", "aurl.cli", *command], env=environment).returncode

"""Train in several processes: torchrun's ranks, their shards of a batch, averaged gradients."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

import torch
import torch.distributed as dist
from torch import Tensor, nn

from aurl.models.zero_shot import ZeroShotModel
from aurl.system.errors import AurlError


@dataclass(frozen=True)
class World:
    """Describe the processes of one training and this one's rank; one process is a world of size 1."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "World":
        """Read the world from torchrun's environment variables; a world of one without them."""
        rank, size, local_rank = (environment.get(name) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
        return cls(int(rank or 0), int(size or 1), int(local_rank or 0))

    def shard(self, batch_size: int, accumulation: int) -> int:
        """Count the clips of a batch for each process. Raises: AurlError if they cannot be dealt out evenly."""
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


def agree(step: int, world: World, device: torch.device) -> None:
    """Check that all processes start from the same step: each reads the resume state from the shared disk.

    Raises: AurlError if they do not; together they would compute nonsense.
    """
    if world.size == 1:
        return
    steps = torch.tensor([step, -step], device=device)
    dist.all_reduce(steps, dist.ReduceOp.MIN)
    lowest, highest = int(steps[0]), -int(steps[1])
    if lowest != highest:
        raise AurlError(
            f"the processes read different resume states (steps {lowest} to {highest}): the shared file system has not"
            " brought the last one to every machine yet; start the training again"
        )


def launch(processes: int, threads: int, command: Sequence[str]) -> NoReturn:
    """Become torchrun, which starts an `aurl` command in several processes: a kill of it ends them all.

    In a Slurm job of several nodes, become `srun`, which starts a torchrun on each of them.

    Args:
        threads: CPUs of each process.
    Raises:
        AurlError: the processes cannot be dealt out to the nodes, or Slurm does not tell their number.
    """
    nodes = slurm_nodes(os.environ)
    if processes % nodes:
        raise AurlError(f"training.processes = {processes}: not a multiple of the Slurm job's nodes ({nodes})")
    each = processes // nodes
    torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={each}"]
    if nodes == 1:
        started = [*torchrun, "--standalone"]
    else:
        with socket.create_server(("", 0)) as listener:
            port = listener.getsockname()[1]  # free a moment later
        started = [
            "srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", f"--cpus-per-task={each * threads}",
            "--overlap", "--kill-on-bad-exit=1", *torchrun, f"--nnodes={nodes}", "--rdzv-backend=c10d",
            f"--rdzv-endpoint={socket.gethostname()}:{port}", f"--rdzv-id={os.environ['SLURM_JOB_ID']}",
        ]  # fmt: skip
    os.execvpe(started[0], [*started, "--module", "aurl.cli", *command], {"OMP_NUM_THREADS": "1", **os.environ})


def slurm_nodes(environment: Mapping[str, str]) -> int:
    """Count the nodes of the Slurm job that this environment belongs to; 1 outside of Slurm.

    Raises: AurlError if Slurm does not give the number.
    """
    if "SLURM_JOB_ID" not in environment:
        return 1
    nodes = environment.get("SLURM_JOB_NUM_NODES")  # an executor may have taken it out
    if nodes is None:
        squeue = ["squeue", "--noheader", f"--jobs={environment['SLURM_JOB_ID']}", "--format=%D"]
        try:
            nodes = subprocess.run(squeue, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError) as error:
            reason = (getattr(error, "stderr", None) or str(error)).strip()
            raise AurlError(
                f"{' '.join(squeue)}: {reason}; unset SLURM_JOB_ID to train on this machine alone"
            ) from None
    if not nodes.isdigit():
        raise AurlError(f"Slurm gives '{nodes}' nodes for job {environment['SLURM_JOB_ID']}; set SLURM_JOB_NUM_NODES")
    return int(nodes)

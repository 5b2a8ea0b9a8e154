"""Several processes, one training: torchrun's ranks, their shards of a batch, and averaged gradients."""

import ctypes
import os
import signal
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
PR_SET_PDEATHSIG = 1  # linux/prctl.h


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
    """Make sure that all processes go on from the same step: each reads the resume state from the shared disk.

    Raises: AurlError if they do not; together they would compute nonsense.
    """
    if world.size == 1:
        return
    steps = torch.tensor([step, -step], device=device)
    dist.all_reduce(steps, dist.ReduceOp.MIN)
    lowest, highest = int(steps[0]), -int(steps[1])
    if lowest != highest:
        raise AurlError(
            f"the processes found different resume states (steps {lowest} to {highest}): the shared file system has not"
            " brought the last one to every machine yet; start the training again"
        )


def end_with_parent() -> None:
    """Let the kernel kill this process when the one that started it dies: a killed torchrun leaves no workers behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def launch(processes: int, threads: int, command: Sequence[str]) -> NoReturn:
    """Become torchrun, which starts an `aurl` command in `processes` processes: a kill of this one ends them all.

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
        srun = [
            "srun",
            f"--nodes={nodes}",
            f"--ntasks={nodes}",
            "--ntasks-per-node=1",
            f"--cpus-per-task={each * threads}",
        ]
        meeting = f"{socket.gethostname()}:{_free_port()}"
        started = [
            *srun, "--overlap", "--kill-on-bad-exit=1", *torchrun, f"--nnodes={nodes}", "--rdzv-backend=c10d",
            f"--rdzv-endpoint={meeting}", f"--rdzv-id={os.environ['SLURM_JOB_ID']}",
        ]  # fmt: skip
    os.execvpe(started[0], [*started, "--module", "aurl.cli", *command], {"OMP_NUM_THREADS": "1", **os.environ})


def slurm_nodes(environment: Mapping[str, str]) -> int:
    """How many nodes the Slurm job has that a process of this environment runs in; 1 outside of Slurm.

    Raises: AurlError if Slurm does not tell.
    """
    if "SLURM_JOB_ID" not in environment:
        return 1
    told = environment.get("SLURM_JOB_NUM_NODES")  # an executor may have taken it out
    if told is None:
        squeue = ["squeue", "--noheader", f"--jobs={environment['SLURM_JOB_ID']}", "--format=%D"]
        try:
            told = subprocess.run(squeue, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError) as error:
            reason = (getattr(error, "stderr", None) or str(error)).strip()
            raise AurlError(
                f"{' '.join(squeue)}: {reason}; unset SLURM_JOB_ID to train on this machine alone"
            ) from None
    if not told.isdigit():
        raise AurlError(f"Slurm tells '{told}' nodes of job {environment['SLURM_JOB_ID']}; set SLURM_JOB_NUM_NODES")
    return int(told)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])

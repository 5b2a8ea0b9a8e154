"""Estimate the hours of an experiment on devices: timed here, or from a stated peak."""

import os
import time
from dataclasses import dataclass

import torch

from aurl.experiment.settings import Experiment
from aurl.models.shape import ModelShape
from aurl.plan.cost import ClipCost, measure_step
from aurl.system.compute import prepare_device
from aurl.system.progress import in_time
from aurl.system.terminal import counted, narrow_table, wrapped

SHARE = 0.3  # of a GPU's peak that a training of an R(2+1)D is taken to reach: assumed, not measured
CPU_SHARE = 0.5  # of the speed of a matrix product, likewise
CPU_BATCH, CPU_CLIP_FLOPS = 32, 5e9  # clips of fewer FLOPs than this are timed in real steps on a CPU
PRODUCT, PRODUCT_SECONDS = 1024, 0.3  # rows of the timed matrices, and for how long
GPUS = {  # peak TFLOP/s without sparsity, for bfloat16 and for float32 convolutions (TF32), by NVIDIA's data sheets
    "H100 SXM": (989.0, 495.0),
    "A100": (312.0, 156.0),
    "L40S": (362.0, 183.0),
    "L4": (121.0, 60.0),
    "RTX 4090": (165.0, 83.0),
}
HEAD = ("device", "TFLOP/s", "one training", "all trainings", "evaluation", "how")


@dataclass(frozen=True)
class DeviceSpeed:
    """Hold FLOP/s of a device, how many trainings run side by side, the figure's origin."""

    name: str
    speed: float
    side_by_side: int
    origin: str


def device_table(
    experiment: Experiment, shape: ModelShape, cost: ClipCost, clips: int | None, tested: int | None
) -> str:
    """Write the hours on this machine's devices and on common GPUs.

    Args:
        clips: of one training. tested: that one network embeds for all test sets. None where they are unknown.
    """
    speeds = devices_here(experiment, shape, cost)
    if cost.training >= CPU_CLIP_FLOPS:  # a small network is limited by other things than FLOP/s
        speeds += common_gpus(experiment)
    rows = [_row(experiment, cost, speed, clips, tested) for speed in speeds]
    precision = experiment.training.compute.precision
    origins = {
        "timed": "timed: real steps, now, without compiling.",
        "estimate": f"estimate: {SHARE:.0%} of the peak that NVIDIA states for {precision}, or on the CPU {CPU_SHARE:.0%} of"
        " a matrix product timed now.",
    }
    used = [text for origin, text in origins.items() if any(speed.origin == origin for speed in speeds)]
    alone = "All is computing alone: without the extraction above, and if loading clips keeps up."
    return "\n".join([narrow_table(HEAD, rows, left=("how",)), "", *wrapped(" ".join([*used, alone]))])


def devices_here(experiment: Experiment, shape: ModelShape, cost: ClipCost) -> list[DeviceSpeed]:
    """Time this machine's GPU and CPU: in real steps, or a matrix product for a large network."""
    training, speeds = experiment.training, []
    threads = training.compute.threads
    share = training.batch_size // training.processes // training.accumulation
    if torch.cuda.is_available():
        timed = measure_step(experiment, shape, "cuda", share)
        speeds.append(DeviceSpeed(f"here: {timed.name}", cost.training / timed.seconds, 1, "timed"))
    at_once = max(1, (os.cpu_count() or 1) // threads)
    name = f"here: CPU, {counted(threads, 'thread')}"
    if cost.training < CPU_CLIP_FLOPS:
        timed = measure_step(experiment, shape, "cpu", min(CPU_BATCH, share))
        return [*speeds, DeviceSpeed(name, cost.training / timed.seconds, at_once, "timed")]
    return [*speeds, DeviceSpeed(name, CPU_SHARE * product_speed(threads), at_once, "estimate")]


def product_speed(threads: int) -> float:
    """Time products of matrices on the CPU; returns FLOP/s."""
    prepare_device("cpu", threads)
    one = torch.rand(PRODUCT, PRODUCT)
    torch.mm(one, one)
    started, number = time.perf_counter(), 0
    while time.perf_counter() - started < PRODUCT_SECONDS:
        torch.mm(one, one)
        number += 1
    return number * 2.0 * PRODUCT**3 / (time.perf_counter() - started)


def common_gpus(experiment: Experiment) -> list[DeviceSpeed]:
    """Estimate the speed of common GPUs from their stated peak."""
    column = 0 if experiment.training.compute.precision == "bfloat16" else 1
    return [DeviceSpeed(name, SHARE * peaks[column] * 1e12, 1, "estimate") for name, peaks in GPUS.items()]


def _row(
    experiment: Experiment, cost: ClipCost, device: DeviceSpeed, clips: int | None, tested: int | None
) -> tuple[str, ...]:
    trainings = len(experiment.trained) * len(experiment.seeds)
    networks = len(experiment.variants) * len(experiment.seeds)
    one = None if clips is None else clips * cost.training / device.speed / experiment.training.processes
    rounds = -(-trainings // device.side_by_side)
    evaluation = None if tested is None else tested * cost.forward * networks / device.speed / device.side_by_side
    return (
        device.name,
        f"{device.speed / 1e12:.3g}",
        hours(one),
        hours(None if one is None else one * rounds),
        hours(evaluation),
        device.origin,
    )


def hours(seconds: float | None) -> str:
    """Write a time; unknown as "?"."""
    return "?" if seconds is None else in_time(seconds)

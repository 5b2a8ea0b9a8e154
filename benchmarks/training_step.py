"""Training step of R(2+1)D-18 on clips of 16 x 112 x 112, forward and back.

    python benchmarks/run.py training_step

bfloat16 with channels last (`precision: bfloat16`, `channels_last: true`) against float32 in the contiguous layout, on
one core, and as a share of what matrix products of 4096 x 4096 reach there in bfloat16. Where there is a CUDA device:
the share of its matrix products' rate with a batch that fills it, and a profile of where the rest goes.
"""

import time
from pathlib import Path

import numpy as np
import torch
from harness import Comparison, interleaved, ratios
from torch import Tensor, nn
from torch.nn import functional

from aurl.models.r2plus1d import R2Plus1D
from aurl.system.compute import autocast, prepare_device

FRAMES, SIZE = 16, 112
CLIP_FLOPS = 242.5e9  # forward and back, see `aurl plan`
CPU_BATCH, GPU_BATCH, WIDTH = 2, 64, 4096
AIM_CPU, AIM_GPU = 2.5, 0.4


def step(model: nn.Module, clips: Tensor, precision: str, channels_last: bool) -> None:
    """Forward and back of uint8 clips (B, T, H, W, 3); the permuted input is channels last unless it is copied."""
    model.zero_grad(set_to_none=True)
    x = clips.permute(0, 4, 1, 2, 3).float() / 255
    with autocast(clips.device, precision):
        features = model(x if channels_last else x.contiguous())
    features.float().square().mean().backward()
    if clips.is_cuda:
        torch.cuda.synchronize()


def networks(device: torch.device) -> tuple[nn.Module, nn.Module]:
    """R(2+1)D-18 in the contiguous layout and in channels last."""
    torch.manual_seed(0)
    contiguous, last = R2Plus1D().to(device).train(), R2Plus1D().to(device).train()
    last.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return contiguous, last


def product(a: Tensor, b: Tensor) -> None:
    """A matrix product that is finished when this returns."""
    functional.linear(a, b)
    if a.is_cuda:
        torch.cuda.synchronize()


def on_cpu() -> list[Comparison]:
    """One core."""
    device = prepare_device("cpu", 1)
    contiguous, last = networks(device)
    clips = torch.randint(0, 256, (CPU_BATCH, FRAMES, SIZE, SIZE, 3), dtype=torch.uint8)
    a, b = (torch.randn(WIDTH, WIDTH, dtype=torch.bfloat16) for _ in range(2))
    exact, exact_last, mixed, products = interleaved(
        lambda: step(contiguous, clips, "float32", False),
        lambda: step(last, clips, "float32", True),
        lambda: step(last, clips, "bfloat16", True),
        lambda: product(a, b),
        clock=time.process_time,
    )
    instructions = "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    rate = 2 * WIDTH**3 / np.array(products)
    share = CPU_BATCH * CLIP_FLOPS / np.array(mixed) / rate
    against = "float32, contiguous, CPU time"
    return [
        Comparison("bfloat16, channels last", against, ratios(exact, mixed), AIM_CPU,
                   figures={"bf16 instructions": "yes" if instructions else "no"}),
        Comparison("float32, channels last", against, ratios(exact, exact_last), None),
        Comparison("FLOP/s of a bfloat16 step", "bfloat16 matrix products", share.tolist(), None),
    ]  # fmt: skip


def on_gpu() -> list[Comparison]:
    """Written for a CUDA device."""
    device = prepare_device("cuda", 1)
    contiguous, last = networks(device)
    clips = torch.randint(0, 256, (GPU_BATCH, FRAMES, SIZE, SIZE, 3), dtype=torch.uint8, device=device)
    a, b = (torch.randn(2 * WIDTH, 2 * WIDTH, dtype=torch.bfloat16, device=device) for _ in range(2))
    exact, mixed, products = interleaved(
        lambda: step(contiguous, clips, "float32", False),
        lambda: step(last, clips, "bfloat16", True),
        lambda: product(a, b),
        warm=3,
    )
    share = GPU_BATCH * CLIP_FLOPS / np.array(mixed) / (2 * (2 * WIDTH) ** 3 / np.array(products))
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        step(last, clips, "bfloat16", True)
    events = sorted(profile.key_averages(), key=lambda event: -event.self_device_time_total)
    total = sum(event.self_device_time_total for event in events)
    figures: dict[str, float | str] = {
        f"{event.key} [% of the step]": 100 * event.self_device_time_total / total for event in events[:8]
    }
    return [
        Comparison("GPU: bfloat16, channels last", "float32, contiguous", ratios(exact, mixed), None),
        Comparison("GPU: FLOP/s of a bfloat16 step", "bfloat16 matrix products", share.tolist(), AIM_GPU, figures=figures),
    ]  # fmt: skip


def measure() -> list[Comparison]:
    """On one core; and on the GPU where there is one."""
    return on_cpu() + (on_gpu() if torch.cuda.is_available() else [])

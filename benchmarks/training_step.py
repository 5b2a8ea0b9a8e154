"""Training step of R(2+1)D-18 on clips of 16 x 112 x 112, forward and back.

    python benchmarks/run.py training_step

bfloat16 with channels last (`precision: bfloat16`, `channels_last: true`) against float32 in the contiguous layout, and
as a share of what matrix products reach there in bfloat16. On one core; and on the CUDA device where there is one.
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
BATCH, WIDTH = {"cpu": 2, "cuda": 64}, {"cpu": 4096, "cuda": 8192}
AIM_CPU_RATIO, AIM_GPU_SHARE = 2.5, 0.4


def step(model: nn.Module, clips: Tensor, precision: str, channels_last: bool) -> None:
    """Forward and back of uint8 clips (B, T, H, W, 3); the permuted input is channels last unless it is copied."""
    model.zero_grad(set_to_none=True)
    x = clips.permute(0, 4, 1, 2, 3).float() / 255
    with autocast(clips.device, precision):
        features = model(x if channels_last else x.contiguous())
    features.float().square().mean().backward()


def compare(kind: str) -> list[Comparison]:
    """Compare layouts and precisions on one device."""
    device, cuda = prepare_device(kind, 1), kind == "cuda"
    torch.manual_seed(0)
    contiguous, last = R2Plus1D().to(device).train(), R2Plus1D().to(device).train()
    last.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    clips = torch.randint(0, 256, (BATCH[kind], FRAMES, SIZE, SIZE, 3), dtype=torch.uint8, device=device)
    a, b = (torch.randn(WIDTH[kind], WIDTH[kind], dtype=torch.bfloat16, device=device) for _ in range(2))

    def clock() -> float:
        if not cuda:
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    exact, exact_last, mixed, products = interleaved(
        lambda: step(contiguous, clips, "float32", False),
        lambda: step(last, clips, "float32", True),
        lambda: step(last, clips, "bfloat16", True),
        lambda: functional.linear(a, b),
        warm=3 if cuda else 1,
        clock=clock,
    )
    share = BATCH[kind] * CLIP_FLOPS / np.array(mixed) / (2 * WIDTH[kind] ** 3 / np.array(products))
    where, against = ("GPU: ", "float32, contiguous") if cuda else ("", "float32, contiguous, CPU time")
    instructions = "yes" if cuda or "avx512_bf16" in Path("/proc/cpuinfo").read_text() else "no"
    return [
        Comparison(f"{where}bfloat16, channels last", against, ratios(exact, mixed), None if cuda else AIM_CPU_RATIO,
                   figures={"bf16 instructions": instructions}),
        Comparison(f"{where}float32, channels last", against, ratios(exact, exact_last), None),
        Comparison(f"{where}FLOP/s of a bfloat16 step", "bfloat16 matrix products", share.tolist(),
                   AIM_GPU_SHARE if cuda else None),
    ]  # fmt: skip


def measure() -> list[Comparison]:
    """Measure on one core; and on the GPU where there is one."""
    return compare("cpu") + (compare("cuda") if torch.cuda.is_available() else [])

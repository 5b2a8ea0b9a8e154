"""Where and how torch computes: device, threads, precision, and what makes results repeatable."""

import ctypes
import os

import torch

from aurl.errors import AurlError

# glibc's mallopt: which parameter, and its value (an int). Blocks below 1 GiB come from the heap, which is not given back
MALLOC_PARAMETERS = {"M_TRIM_THRESHOLD": (-1, 2**31 - 1), "M_TOP_PAD": (-2, 2**26), "M_MMAP_THRESHOLD": (-3, 2**30)}


def prepare_device(device: str, threads: int, local_rank: int = 0) -> torch.device:
    """Choose the device, fix the number of threads, and make algorithms deterministic.

    Args:
        device: `auto` (CUDA where there is one), `cpu` or `cuda`.
        local_rank: which of the machine's GPUs.
    Raises:
        AurlError: `cuda` is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise AurlError("compute.device = 'cuda': no CUDA device is usable here; set it to auto or cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("warn")  # not use_deterministic_algorithms, which imports the compiler: 1 s
    # every kernel here writes all of its output; filling it with NaN first took a fifth of a step (docs/performance.md)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    if device == "cpu" or not torch.cuda.is_available():
        keep_freed_memory()
        return torch.device("cpu")
    if local_rank >= torch.cuda.device_count():
        raise AurlError(
            f"training.processes: there is no GPU for process {local_rank}, this machine has"
            f" {torch.cuda.device_count()}; lower it, and raise training.accumulation to keep the batch"
        )
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)


def keep_freed_memory() -> bool:
    """Let malloc reuse what was freed, instead of taking zeroed pages from the system in every step.

    Without it a third of the time of a small network's step went into page faults (docs/performance.md); results are
    the same. The process keeps the most that it ever held.

    Returns: False where the C library is not glibc; nothing is changed there.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(*pair) for pair in MALLOC_PARAMETERS.values())


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Mixed precision for the forward pass: bfloat16, or none."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")

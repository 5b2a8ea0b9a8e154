"""Set up torch: device, threads, precision, repeatable algorithms."""

import os

import torch

from aurl.system.errors import AurlError
from aurl.system.memory import keep_freed_memory


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
    # every kernel here writes all of its output; filling it with NaN first costs time (docs/performance.md)
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


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Return the forward pass's mixed precision: bfloat16, or none."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")

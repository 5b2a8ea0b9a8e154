"""Name this machine's processor."""

import platform
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")


def cpu_model(cpu_info: Path = CPU_INFO) -> str:
    """Return the model of the CPU, such as "AMD EPYC 9B45".

    Where the system names no model, it is the architecture.
    """
    try:
        lines = cpu_info.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    models = [
        value.strip() for name, _, value in (line.partition(":") for line in lines) if name.strip() == "model name"
    ]
    return next(filter(None, models), "") or platform.processor() or platform.machine()

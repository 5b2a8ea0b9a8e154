"""Time and memory of the experiment of params.yaml: a full run, a second run, and a dry run.

    python tools/reproduce.py          # in a fresh clone, environment installed

Prints a table and writes benchmarks/reproduce.json. The second and the dry run are timed five times each;
their median is given. Memory is the resident memory of Snakemake and all of its jobs together, sampled
twice a second.
"""

import json
import os
import platform
import statistics
import subprocess
import time
from pathlib import Path

import psutil

OUTPUT = Path("benchmarks/reproduce.json")


def run(*command: str) -> tuple[float, float]:
    """Run a command; returns its wall seconds and the peak resident memory of its process tree in MiB."""
    began = time.perf_counter()
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, tree_memory(process))
        time.sleep(0.5 if time.perf_counter() - began > 20 else 0.02)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with status {process.returncode}")
    return time.perf_counter() - began, peak


def tree_memory(process: psutil.Process) -> float:
    """Resident memory of a process and everything below it, in MiB."""
    total = 0
    try:
        for member in (process, *process.children(recursive=True)):
            total += member.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total / 2**20


def main() -> None:
    """Measure and print."""
    seconds, memory = run("snakemake")
    again = [run("snakemake")[0] for _ in range(5)]
    dry = [run("snakemake", "--dry-run")[0] for _ in range(5)]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    measured = {
        "machine": machine,
        "full run [s]": round(seconds, 1),
        "second run, nothing to do [s]": round(statistics.median(again), 2),
        "dry run [s]": round(statistics.median(dry), 2),
        "peak memory of all processes together [MiB]": round(memory),
    }
    OUTPUT.write_text(json.dumps(measured, indent=1) + "\n")
    for name, value in measured.items():
        print(f"{name:45} {value}")


if __name__ == "__main__":
    main()

"""Commands in a copy of the repository, and what each took: seconds, CPU seconds, memory."""

import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests/helpers"))
from repositories import REPOSITORY, copy_repository, environment_of

__all__ = ["REPOSITORY", "Usage", "copy_repository", "cpu_of_children", "environment_of", "run"]

OWN_EVERY, TREE_EVERY = 0.02, 0.25  # seconds between two looks at the memory
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # as the rules do


@dataclass(frozen=True)
class Usage:
    """What a command took.

    Attributes:
        cpu: CPU seconds of the process and all that it waited for; `system`: the kernel's share of them.
        own_mib: the greatest private memory of the process itself, without pages of files.
        peak_mib: the greatest resident memory of the process and everything below it.
        output: what it printed, standard error among it.
    """

    seconds: float
    cpu: float
    system: float
    own_mib: float
    peak_mib: float
    output: str


def run(folder: Path, *command: str, ok: bool = True, **environment: str) -> Usage:
    """Run a command in a copy of the repository with that copy's code.

    Raises: SystemExit, with the end of its output, unless it succeeds (with `ok` False: unless it fails).
    """
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = psutil.Popen(
            command, cwd=folder, env=environment_of(folder) | environment, stdout=output, stderr=subprocess.STDOUT
        )
        own, peak = _watch(process)
        seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        output.seek(0)
        text = output.read()
    if (process.returncode == 0) != ok:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}\n{text[-4000:]}")
    system = after.ru_stime - before.ru_stime
    return Usage(seconds, after.ru_utime - before.ru_utime + system, system, own, peak, text)


def cpu_of_children() -> float:
    """CPU seconds of all child processes that have ended, as a clock for `harness.interleaved`."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watch(process: psutil.Popen) -> tuple[float, float]:
    """Greatest own memory of a process, and of its tree, in MiB, until it ends."""
    own = tree = 0.0
    next_tree = 0.0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        try:
            own = max(own, int(status.read_text().split("RssAnon:")[1].split()[0]) / 2**10)
            if time.perf_counter() >= next_tree:
                next_tree = time.perf_counter() + TREE_EVERY
                members = (process, *process.children(recursive=True))
                tree = max(tree, sum(member.memory_info().rss for member in members) / 2**20)
        except (OSError, IndexError, psutil.Error):
            continue  # a process that is ending
        time.sleep(OWN_EVERY)
    return own, tree

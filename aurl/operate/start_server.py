"""Start the server that forks the jobs of a run on this machine (`aurl/cli/job_server.py`)."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from aurl.experiment.snapshot import FOLDER
from aurl.pipeline.stages import STAGES
from aurl.system.processes import JOB_SERVER

SERVED_THREADS = 1  # a job with more threads runs in a process of its own, and takes longer than its start
THREADS = (  # what Snakemake sets to a job's threads; libraries read some of them when they are imported
    "OMP_NUM_THREADS", "GOTO_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)  # fmt: skip
ROOM = " " * 300  # of the server's own command, in which a forked job shows its command
SECONDS = 5.0  # which the server has to end, at most


def start_server(rules: Iterable[str]) -> None:
    """Start the server of a run, which imports the code of stages that have several jobs to do.

    Jobs that come before it is ready run in processes of their own. So do all where it cannot start: on another
    system than Linux, say, or where the variable is set already (`AURL_JOB_SERVER=none snakemake`).

    Args:
        rules: the rule of each job of the run.
    """
    stages = [stage for stage, number in Counter(rules).items() if number > 1 and stage in STAGES]
    if not stages or sys.platform != "linux" or JOB_SERVER in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="aurl-"))  # its owner alone may enter
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "job_server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", "aurl.cli.job_server", str(folder / "jobs"), *stages, ROOM],
            stdin=subprocess.PIPE, stdout=log, stderr=log,
            env={**os.environ, **dict.fromkeys(THREADS, str(SERVED_THREADS))},
        )  # fmt: skip
    atexit.register(_end, server)
    os.environ[JOB_SERVER] = str(folder / "jobs")


def _end(server: "subprocess.Popen[bytes]") -> None:
    """End the server; this process's CPU time then holds that of its jobs."""
    assert server.stdin is not None
    server.stdin.close()
    with suppress(subprocess.TimeoutExpired):  # a job that outlives the run
        server.wait(SECONDS)

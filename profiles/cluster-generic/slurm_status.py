#!/usr/bin/env python3
"""The state of a Slurm job for Snakemake's cluster-generic executor: prints `running`, `success` or `failed`.

`scontrol` knows a job until MinJobAge (300 s by default) after its end, the accounting database longer, where there
is one. As long as Slurm does not answer, a job counts as running: a controller that restarts fails no job.
"""

import subprocess
import sys

FORGOTTEN = "Invalid job id"
SECONDS = 60


def verdict(state: str) -> str:
    """Slurm's job state, perhaps followed by more ("CANCELLED by 0"), as Snakemake's word."""
    word = state.split()[0].rstrip("+") if state.split() else ""
    if word == "COMPLETED":
        return "success"
    ended = (
        "BOOT_FAIL",
        "CANCELLED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    )
    return "failed" if word in ended else "running"


def ask(*command: str) -> "subprocess.CompletedProcess[str] | None":
    """Run a command of Slurm; None where it is not installed or does not answer."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None


def status(job: str) -> str:
    """`running`, `success` or `failed`."""
    shown = ask("scontrol", "--oneliner", "show", "job", job)
    if shown is None:
        return "running"
    if shown.returncode == 0:
        words = dict(word.split("=", 1) for word in shown.stdout.split() if "=" in word)
        return verdict(words.get("JobState", ""))
    if FORGOTTEN not in shown.stderr:
        return "running"
    accounted = ask("sacct", "--allocations", "--noheader", "--parsable2", "--format=State", f"--jobs={job}")
    if accounted is None or accounted.returncode or not accounted.stdout.strip():
        return "failed"  # nobody knows it any more; Snakemake runs it again
    return verdict(accounted.stdout.splitlines()[-1])


if __name__ == "__main__":
    print(status(sys.argv[1]))

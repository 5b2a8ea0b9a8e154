"""The status command of profiles/cluster-generic, against stand-ins for Slurm's commands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "profiles" / "cluster-generic" / "slurm_status.py"


def status(folder: Path, **commands: str) -> str:
    """What the script answers where Slurm's commands are these shell scripts."""
    for name, text in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    environment = {**os.environ, "PATH": str(folder)}
    return subprocess.run(
        [sys.executable, SCRIPT, "7"], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("COMPLETED", "success"),
        ("PENDING", "running"),
        ("RUNNING", "running"),
        ("COMPLETING", "running"),
        ("REQUEUED", "running"),
        ("TIMEOUT", "failed"),
        ("NODE_FAIL", "failed"),
        ("CANCELLED", "failed"),
    ],
)
def test_every_state_has_its_word(tmp_path: Path, state: str, expected: str) -> None:
    assert status(tmp_path, scontrol=f"echo JobId=7 JobName=aurl JobState={state} Reason=None") == expected


def test_a_controller_that_does_not_answer_fails_no_job(tmp_path: Path) -> None:
    assert status(tmp_path) == "running"
    assert status(tmp_path, scontrol="echo Unable to contact slurm controller >&2; exit 1") == "running"


def test_a_forgotten_job_is_looked_up_in_the_accounting(tmp_path: Path) -> None:
    forgotten = "echo slurm_load_jobs error: Invalid job id specified >&2; exit 1"
    assert status(tmp_path, scontrol=forgotten) == "failed"
    assert status(tmp_path, sacct="echo COMPLETED") == "success"
    assert status(tmp_path, sacct="echo 'CANCELLED by 1000'") == "failed"

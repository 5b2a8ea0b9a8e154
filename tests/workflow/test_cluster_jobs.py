"""Jobs of a cluster: other processes, later, elsewhere. The scheduler is this test, which runs what was submitted."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from repositories import environment_of

pytest.importorskip("snakemake_executor_plugin_cluster_generic", reason="pip install 'aurl[cluster]'")

TARGET = "results/micro/features/ls/seed0/micro_ucf.safetensors"
BLOCK = "results/micro/provenance/features/ls/seed0/micro_ucf.safetensors.json"


def submitted(folder: Path) -> tuple["subprocess.Popen[str]", Path]:
    """Start Snakemake with a queue in which jobs lie until somebody runs them; returns it and the one job."""
    queue = folder / "queue"
    queue.mkdir(exist_ok=True)
    for name, script in (
        ("submit", f'cp "$1" {queue}/1.sh; echo 1'),
        ("status", f"cat {queue}/$1.state || echo running"),
    ):
        (queue / name).write_text(f"#!/bin/sh\n{script}\n")
        (queue / name).chmod(0o755)
    command = [
        "snakemake", "--executor", "cluster-generic", "--jobs", "1", "--seconds-between-status-checks", "1",
        "--cluster-generic-submit-cmd", f"{queue}/submit", "--cluster-generic-status-cmd", f"{queue}/status 2>/dev/null",
        "--forcerun", "features", "--", TARGET,
    ]  # fmt: skip
    running = subprocess.Popen(command, cwd=folder, env=environment_of(folder), text=True, stderr=subprocess.PIPE)
    job, deadline = queue / "1.sh", time.monotonic() + 200
    while not job.exists():
        assert running.poll() is None, running.communicate()[1][-4000:]
        assert time.monotonic() < deadline, "nothing is submitted"
        time.sleep(0.1)
    return running, job


def run_job(folder: Path, job: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", job], cwd=folder, env=environment_of(folder), capture_output=True, text=True, timeout=200
    )


@pytest.mark.workflow
def test_a_job_that_starts_late_has_the_parameters_of_its_run(micro: Path) -> None:
    running, job = submitted(micro)
    params = micro / "params.yaml"
    params.write_text(params.read_text().replace("batch_size: 8", "batch_size: 4"))
    done = run_job(micro, job)
    assert done.returncode == 0, done.stderr[-4000:]
    (micro / "queue/1.state").write_text("success\n")
    printed = running.communicate(timeout=200)[1]
    assert running.returncode == 0, printed[-4000:]
    settings = json.loads((micro / BLOCK).read_text())["identity"]["settings"]
    assert settings["evaluation.batch_size"] == 8


@pytest.mark.workflow
def test_a_job_whose_snakemake_was_killed_refuses_to_start(micro: Path) -> None:
    before = (micro / TARGET).stat().st_mtime_ns
    running, job = submitted(micro)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    done = run_job(micro, job)
    assert done.returncode != 0
    assert "the Snakemake that submitted this job holds no lock: it has ended (start it again)" in done.stderr
    assert (micro / TARGET).stat().st_mtime_ns == before

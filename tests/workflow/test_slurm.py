"""The whole experiment on a real Slurm (`make test-slurm`): one GPU, time limits, another executor, two nodes.

Needs Debian's `slurm-wlm` and `munge`, and the extra `cluster`. The Slurm is this test's own (cluster.py).
"""

import itertools
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from cluster import Cluster, Record, cluster, missing
from repositories import environment_of, runner

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1500)]

CHECKPOINT = "results/micro/checkpoints/ls/seed0.safetensors"
LOG = "results/micro/logs/checkpoints/ls/seed0.safetensors.log"


@pytest.fixture(scope="module", autouse=True)
def _everything_is_here() -> None:
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="pip install 'aurl[cluster]'")
    pytest.importorskip("snakemake_executor_plugin_cluster_generic", reason="pip install 'aurl[cluster]'")
    if reason := missing():
        pytest.skip(f"no Slurm: {reason}")


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    """One node with one GPU."""
    with cluster() as running:
        yield running


@pytest.fixture
def two_nodes() -> Iterator[Cluster]:
    """Two nodes; one that does not answer for 10 s is lost."""
    with cluster(nodes=2, node_timeout=10) as running:
        yield running


def snakemake(folder: Path, slurm: Cluster, profile: str, *arguments: str) -> "subprocess.Popen[str]":
    """Start Snakemake with one of the repository's profiles in a copy of it."""
    command = ["snakemake", "--profile", f"profiles/{profile}", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment_with(folder, slurm),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore Ctrl-C
    )


def fit(folder: Path, profile: str, train: "dict[str, object] | None" = None) -> None:
    """Adapt a copy's profile to a test: little memory, few cores, no long waits, and `train` in place of its line."""
    path = folder / "profiles" / profile / "config.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["default-resources"]["mem_mb"] = 500
    settings["set-threads"] = dict.fromkeys(settings["set-threads"], 1)
    for rule, resources in settings["set-resources"].items():
        if "mem_mb" in resources:
            settings["set-resources"][rule]["mem_mb"] = 500
    settings["set-resources"]["train"] = train or settings["set-resources"]["train"]
    wait = {"slurm": "slurm-init-seconds-before-status-checks", "cluster-generic": "seconds-between-status-checks"}
    path.write_text(yaml.safe_dump({**settings, "latency-wait": 10, "retries": 9, wait[profile]: 2}))


def environment_with(folder: Path, slurm: Cluster) -> dict[str, str]:
    """The environment of a copy of the repository, in which Slurm's commands are found."""
    binaries = Path(sys.executable).parent
    return {**environment_of(folder), "SLURM_CONF": slurm.environment["SLURM_CONF"],
            "PATH": f"{binaries}:{slurm.environment['PATH']}"}  # fmt: skip


def finished(process: "subprocess.Popen[str]") -> str:
    """What a Snakemake printed, after it has succeeded."""
    printed, _ = process.communicate(timeout=1200)
    assert process.returncode == 0, printed[-8000:]
    return printed


def trainings(slurm: Cluster) -> list[Record]:
    return [record for record in slurm.records() if record.comment.startswith("rule_train")]


def wait_until(true: Callable[[], bool], what: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.2)


def lengthen(folder: Path, epochs: int, resume_every: int, processes: int = 1) -> None:
    """Make a copy's trainings longer."""
    params = folder / "params.yaml"
    text = (
        params.read_text().replace("epochs: 2", f"epochs: {epochs}").replace("processes: 1", f"processes: {processes}")
    )
    params.write_text(text.replace("resume_every: 4", f"resume_every: {resume_every}"))


def undisturbed(folder: Path) -> tuple[bytes, float]:
    """Train here, without Slurm: the checkpoint, and the seconds it took; then forget it."""
    started = time.monotonic()
    runner(folder)("aurl", "train", "--variant", "ls", "--seed", "0")
    seconds = time.monotonic() - started
    content = (folder / CHECKPOINT).read_bytes()
    (folder / CHECKPOINT).unlink()
    return content, seconds


def test_micro_through_slurm_is_micro_run_here(repository: Path, finished_micro: Path, slurm: Cluster) -> None:
    """The same bytes, and on the one GPU never two jobs at a time."""
    fit(repository, "slurm")
    printed = finished(snakemake(repository, slurm, "slurm"))
    metrics = "results/micro/metrics.csv"
    assert (repository / metrics).read_bytes() == (finished_micro / metrics).read_bytes()
    assert "has been submitted with SLURM jobid" in printed
    on_gpu = [record for record in slurm.records() if record.gpus]
    assert {record.state for record in on_gpu} == {"COMPLETED"}
    assert len(trainings(slurm)) == 5
    assert len(on_gpu) == 15, "five trainings, ten times features"
    assert all(first.end <= then.start for first, then in itertools.pairwise(on_gpu)), on_gpu
    assert runner(repository)("snakemake", "-n").stdout.count("Nothing to be done"), "the lineage is complete"


def test_a_training_killed_by_its_time_limit_resumes(micro: Path, slurm: Cluster) -> None:
    """One minute each, Slurm's smallest limit; as many attempts as it takes."""
    lengthen(micro, epochs=100, resume_every=100)
    _, seconds = undisturbed(micro)
    epochs = int(100 * 100 / (seconds - 4))  # about 100 s of steps, after 4 s of imports
    params = micro / "params.yaml"
    params.write_text(params.read_text().replace("epochs: 100", f"epochs: {epochs}"))
    expected, _ = undisturbed(micro)
    before = len(trainings(slurm))
    fit(micro, "slurm", {"gpu": 1, "mem_mb": 500, "runtime": 1})
    running = snakemake(micro, slurm, "slurm", "--", CHECKPOINT)
    resumed = set()
    while running.poll() is None:  # every attempt writes its log anew
        found = re.search(r"resumed after step (\d+)", (micro / LOG).read_text()) if (micro / LOG).exists() else None
        resumed |= {int(found[1])} if found else set()
        time.sleep(0.5)
    printed = finished(running)
    states = [record.state for record in trainings(slurm)[before:] if "ls" in record.comment]
    assert states[0] == "TIMEOUT", printed
    assert states[-1] == "COMPLETED"
    assert len(resumed) >= 1
    assert min(resumed) > 0
    assert (micro / CHECKPOINT).read_bytes() == expected


def test_another_executor_with_submit_status_and_cancel_commands(micro: Path, slurm: Cluster) -> None:
    """The profile for any scheduler, with Slurm's commands: a result, a retry, and an end by Ctrl-C."""
    expected = (micro / CHECKPOINT).read_bytes()
    (micro / CHECKPOINT).unlink()
    before = len(slurm.records())
    fit(micro, "cluster-generic")
    finished(snakemake(micro, slurm, "cluster-generic", "--", CHECKPOINT))
    assert (micro / CHECKPOINT).read_bytes() == expected
    submitted = slurm.records()[before:]
    assert [(record.state, record.gpus) for record in submitted] == [("COMPLETED", 1)]

    lengthen(micro, epochs=100000, resume_every=1000)
    running = snakemake(micro, slurm, "cluster-generic", "--", CHECKPOINT)
    resume = micro / "results/micro/resume/ls/seed0.safetensors"
    wait_until(resume.exists, "a state to resume from")
    job = str(slurm.records()[-1].job)
    status = micro / "profiles/cluster-generic/slurm_status.py"
    environment = environment_with(micro, slurm)

    def state() -> str:
        return subprocess.run([status, job], env=environment, capture_output=True, text=True, check=True).stdout.strip()

    assert state() == "running"
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=120)
    assert running.returncode != 0
    wait_until(lambda: slurm.records()[-1].state == "CANCELLED", "the cancelled job")
    assert state() == "failed"
    job = str(slurm.records()[before].job)
    assert state() == "success"
    job = "99999"
    assert state() == "failed", "nobody knows it"


def test_a_training_on_two_nodes_goes_on_after_one_is_lost(micro: Path, two_nodes: Cluster) -> None:
    """One process on each node, by srun and torchrun; the second node is killed in the middle, and comes back."""
    lengthen(micro, epochs=400, resume_every=50, processes=2)
    expected, _ = undisturbed(micro)
    train = {"nodes": 2, "gres": "gpu:1", "gpu": 0, "tasks": 2, "tasks_per_gpu": 0, "cpus_per_task": 1, "mpi": "srun",
             "mem_mb": 500, "runtime": 30}  # fmt: skip
    fit(micro, "slurm", train)
    running = snakemake(micro, two_nodes, "slurm", "--", CHECKPOINT)
    resume = micro / "results/micro/resume/ls/seed0.safetensors"
    wait_until(lambda: resume.exists() or running.poll() is not None, "a state to resume from")
    first = trainings(two_nodes)[-1]
    assert first.nodes == "node[1-2]"
    two_nodes.lose_node("node2")
    wait_until(
        lambda: two_nodes.run("sinfo", "-h", "-n", "node2", "-o", "%t").startswith("down"), "the loss of the node"
    )
    two_nodes.start_node("node2")
    finished(running)
    last = trainings(two_nodes)[-1]
    assert last.state == "COMPLETED"
    assert last.restarts or last.job != first.job
    assert re.search(r"resumed after step \d+", (micro / LOG).read_text())
    assert (micro / CHECKPOINT).read_bytes() == expected
    assert json.loads((micro / CHECKPOINT).with_suffix(".json").read_text())["batch"]["processes"] == 2

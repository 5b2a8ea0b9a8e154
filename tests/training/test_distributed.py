"""Several processes and accumulated gradients against one process with the whole batch."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import distributed_step
import numpy as np
import psutil
import pytest
import torch
from distributed_step import ACCUMULATION, batches_of, gradients_of
from repositories import runner
from safetensors.torch import load_file
from torch import Tensor

from aurl.frames.packing import encode_jpegs, write_index, write_shard
from aurl.system.errors import AurlError
from aurl.training.distributed import World, launch, slurm_nodes
from aurl.training.step import MEASURES

VARIANTS = tuple(distributed_step.MICRO.variants)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 videos of noise."""
    folder = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(0)
    videos = [encode_jpegs(rng.integers(0, 255, (9, 16, 16, 3), dtype=np.uint8), 90, "444") for _ in range(24)]
    pair = (folder / "0.jpegs", folder / "0.safetensors")
    write_shard(*pair, videos)
    write_index([pair], {"size": 16, "quality": 90, "chroma": "444"}, folder / "index.json")
    return folder


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Equal within rounding, but for the batch's dispersion: among fewer clips the nearest is further."""
    assert found.keys() == expected.keys()
    dispersion = MEASURES.index("dispersion")
    assert found["row"][dispersion] > expected["row"][dispersion]
    for name in expected.keys() - {"videos"}:
        one, other = found[name], expected[name]
        if name == "row":
            one, other = (torch.cat([row[:dispersion], row[dispersion + 1 :]]) for row in (one, other))
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12, msg=name)


@pytest.mark.parametrize("variant", VARIANTS)
def test_accumulated_gradients_are_those_of_the_whole_batch(store: Path, variant: str) -> None:
    batches = batches_of(store / "index.json", World())
    whole = gradients_of(variant, batches, World(), 1)
    assert max(float(whole[name].abs().max()) for name in whole if name not in ("row", "videos")) > 1e-3
    assert_equal(gradients_of(variant, batches, World(), 4), whole)


@pytest.mark.slow
def test_two_processes_have_the_losses_and_gradients_of_one_with_the_whole_batch(store: Path) -> None:
    script = Path(distributed_step.__file__).with_name("two_processes.py")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run([*torchrun, script, store, "aurl"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    ranks = [load_file(store / f"aurl-{rank}.safetensors") for rank in (0, 1)]
    whole = gradients_of("aurl", batches_of(store / "index.json", World()), World(), 1)
    for rank in ranks:
        assert_equal(rank, whole)
    seen = [set(rank["videos"].tolist()) for rank in ranks]
    assert seen[0].isdisjoint(seen[1])
    assert seen[0] | seen[1] == set(whole["videos"].tolist())


def test_a_batch_must_be_dealt_out_evenly() -> None:
    assert World(1, 4).shard(256, ACCUMULATION) == 64
    with pytest.raises(AurlError, match=r"batch_size = 10: not a multiple of training.processes \(4\) times"):
        World(0, 4).shard(10, 1)


def test_the_world_is_read_from_torchruns_variables() -> None:
    assert World.of({}) == World(0, 1, 0)
    assert World.of({"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}) == World(3, 8, 1)


@pytest.mark.workflow
def test_aurl_train_starts_its_processes_and_resumes(micro: Path) -> None:
    """Two processes on the CPU through the rule; the same bytes again, whole or resumed after a kill."""
    run = runner(micro)
    params = micro / "params.yaml"
    params.write_text(
        params.read_text().replace("processes: 1", "processes: 2").replace("resume_every: 4", "resume_every: 2")
    )
    checkpoint = "results/micro/checkpoints/aurl/seed0.safetensors"
    alone = (micro / checkpoint).read_bytes()
    run("snakemake", "--", checkpoint)
    together = (micro / checkpoint).read_bytes()
    assert together != alone, "each process normalises with its own clips"
    described = json.loads((micro / checkpoint).with_suffix(".json").read_text())
    assert described["batch"] == {"total": 6, "processes": 2, "accumulation": 1}
    block = json.loads((micro / "results/micro/provenance/checkpoints/aurl/seed0.safetensors.json").read_text())
    assert block["identity"]["settings"]["training"]["processes"] == 2

    resume = micro / "results/micro/resume/aurl/seed0.safetensors"
    command = [sys.executable, "-m", "aurl.cli", "train", "--variant", "aurl", "--seed", "0"]
    environment = {**os.environ, "PYTHONPATH": str(micro)}
    training = psutil.Popen(command, cwd=micro, env=environment, stderr=subprocess.DEVNULL)
    while training.poll() is None and not resume.exists():
        time.sleep(0.01)
    workers = training.children(recursive=True)
    training.kill()
    training.wait()
    assert not psutil.wait_procs(workers, timeout=10)[1], "a killed training leaves no process behind"
    assert (micro / checkpoint).read_bytes() == together, "a finished checkpoint stays until the next one is finished"
    if resume.exists():  # otherwise the training was faster than the kill
        assert "resumed after step" in run(*command).stderr
        assert (micro / checkpoint).read_bytes() == together


@pytest.mark.workflow
def test_a_wrong_number_of_processes_is_refused(micro: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(micro), "WORLD_SIZE": "3", "RANK": "0", "LOCAL_RANK": "0"}
    command = [sys.executable, "-m", "aurl.cli", "train", "--variant", "aurl", "--seed", "0"]
    done = subprocess.run(command, cwd=micro, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "training.processes = 1, but 3 were started" in done.stderr


def test_the_nodes_of_a_slurm_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Slurm's variable, by squeue where an executor has taken that out, or an error that says what to do."""
    assert slurm_nodes({}) == 1
    assert slurm_nodes({"SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "4"}) == 4
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AurlError, match="squeue.* unset SLURM_JOB_ID"):
        slurm_nodes({"SLURM_JOB_ID": "7"})
    squeue = tmp_path / "squeue"
    squeue.write_text('#!/bin/sh\n[ "$2" = --jobs=7 ] && echo 3\n')
    squeue.chmod(0o755)
    assert slurm_nodes({"SLURM_JOB_ID": "7"}) == 3
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with pytest.raises(AurlError, match=r"training.processes = 4: not a multiple of the Slurm job's nodes \(3\)"):
        launch(4, 1, [])

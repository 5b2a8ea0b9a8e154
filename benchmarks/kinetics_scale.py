"""Kinetics-700's frames, simulated: 558,278 videos in 650 shards, through every step before and after the training.

    python benchmarks/kinetics_scale.py [--videos N] [--shards N]     # in a clone whose changes are committed

Builds an experiment in a temporary folder (below TMPDIR; about 3 GB): a folder of 700 classes with as many files as
Kinetics-700 has videos (hard links to one-frame videos, so that every step reads real files but no step spends its time
on decoding), and `micro`'s two test sets and one small training. Listing, manifest, plan, dry run, record, audit and
status are the real ones. The 650 frame jobs are Snakemake's, but `aurl frames` is replaced by a script that puts
shards into place that were packed beforehand, and that fails for some shards as long as it is told to; one shard is
extracted by the real command. Prints the seconds (by the clock and of CPU time) and the peak memory of all
processes of each step, and writes benchmarks/kinetics_scale.json.
"""

import argparse
import dataclasses
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import psutil
import yaml

from aurl.experiment.read import load_experiment
from aurl.frames.packing import encode_jpegs, split_shards, write_shard
from aurl.lineage.blocks import identity_of, recorded
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.paths import ResultPaths
from aurl.system.files import write_json

REPOSITORY = Path(__file__).resolve().parents[1]
OUTPUT = REPOSITORY / "benchmarks" / "kinetics_scale.json"
LINKS = 50_000  # of one file; ext4 allows 65,000
FAILING = 7
STAND_IN = """#!/bin/bash
# Stands for `aurl frames DATASET --shard N` of one dataset, and hands every other command on.
shard="${@: -1}"
case " $* " in
  *" frames $AURL_DATASET --shard "*) ;;
  *) exec "$AURL_REAL" "$@" ;;
esac
if [ -e "$AURL_PACKED/failing/$shard" ]; then
  echo "aurl: error: shard $shard: made to fail" >&2
  exit 1
fi
cp -r "$AURL_PACKED/$shard/." .
"""


class Steps:
    """Runs the steps and keeps their seconds and peak memory."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.measured = folder, {}  # type: ignore[var-annotated]

    def run(self, name: str, *command: str, ok: bool = True) -> str:
        """Run a command in the folder; returns what it printed."""
        began, used = time.perf_counter(), _cpu_of_children()
        process = psutil.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        peak = [0.0]
        watcher = threading.Thread(target=self._watch, args=(process, peak))
        watcher.start()
        text = process.stdout.read()
        watcher.join()
        if (process.wait() == 0) != ok:
            raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}\n{text[-4000:]}")
        self.keep(name, time.perf_counter() - began, peak[0], **{"CPU seconds": round(_cpu_of_children() - used, 1)})
        return text

    def keep(self, name: str, seconds: float, mebibytes: float | None = None, **more: Any) -> None:
        """Keep and print the figures of a step."""
        self.measured[name] = {"seconds": round(seconds, 1), **more}
        if mebibytes is not None:
            self.measured[name]["peak memory [MiB]"] = round(mebibytes)
        print(f"{name}: {self.measured[name]}", flush=True)

    @staticmethod
    def _watch(process: psutil.Popen, peak: list[float]) -> None:
        while process.poll() is None:
            total = 0
            for member in (process, *_children(process)):
                try:
                    total += member.memory_info().rss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total / 2**20)
            time.sleep(0.2)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def write_tiny_video(path: Path) -> None:
    """One black frame of 16 x 16."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))


def build_dataset(folder: Path, videos: int) -> None:
    """Class folders of Kinetics-700's names with hard links to tiny videos."""
    table = pd.read_csv(REPOSITORY / "data/class_tokens.csv", keep_default_na=False)
    classes = list(table[table["dataset"] == "kinetics700"]["class"])
    sources = folder.with_name("sources")
    sources.mkdir()
    for number, part in enumerate(split_shards(videos, len(classes))):
        made = folder / "train" / classes[number].replace(" ", "_")
        made.mkdir(parents=True)
        for video in part:
            source = sources / f"{video // LINKS}.mp4"
            if not source.exists():
                write_tiny_video(source)
            os.link(source, made / f"{video:011d}_000001_000011.mp4")


def write_params(params: Path, dataset: Path, shards: int) -> None:
    """`micro` with the big dataset in the place of its seen one, and one training on a few of its videos."""
    raw = yaml.safe_load((REPOSITORY / "presets/micro.yaml").read_text())
    raw["datasets"][raw["seen"]] = {
        "source": {"folder": str(dataset), "layout": "kinetics700", "versioned": False},
        "tokens": "kinetics700", "broken": "leave_out", "shards": shards,
    }  # fmt: skip
    raw["semantics"]["encoder"]["missing"] = "drop_class"
    raw["training"] |= {"epochs": 1, "epoch_videos": 60}
    raw["variants"] = {"ls": raw["variants"]["ls"]}
    raw["trained"] = ["ls"]
    raw["report"]["ablation_rows"] = [row for row in raw["report"].get("ablation_rows", []) if row == "ls"]
    if not raw["report"]["ablation_rows"]:
        del raw["report"]["ablation_rows"]
    params.write_text(yaml.safe_dump(raw, sort_keys=False))


def pack_shards(folder: Path, packed: Path) -> None:
    """What the frame jobs would make: one frame for each video, index and provenance block, below `packed`."""
    experiment = load_experiment(folder / "params.yaml")
    jobs = Jobs(experiment, ResultPaths(experiment.experiment))
    dataset, shards = experiment.seen, experiment.datasets[experiment.seen].shards
    size = experiment.frames.size
    jpegs = encode_jpegs(np.zeros((1, size, size, 3), np.uint8), experiment.frames.quality, experiment.frames.chroma)
    first = jobs.frames(dataset, 0)
    identity = identity_of(first, jobs.settings(first), {}, "cpu")
    videos = len(pd.read_csv(first.inputs[0], usecols=["status"]))
    here = Path.cwd()
    for number, part in enumerate(split_shards(videos, shards)):
        job = jobs.frames(dataset, number)
        place = packed / str(number)
        place.mkdir(parents=True)
        os.chdir(place)
        write_shard(*job.outputs, [jpegs] * len(part))
        with recorded(dataclasses.replace(identity, wildcards=job.wildcards), job, jobs.block(job)):
            pass
        shutil.rmtree(".snakemake")
        os.chdir(here)


def jobs_run(text: str, rule: str) -> int:
    """How many jobs of a rule Snakemake finished."""
    return len(re.findall(rf"Finished jobid: \d+ \(Rule: {rule}\)", text))


def frame_jobs(steps: Steps, packed: Path, target: str, shards: int) -> None:
    """All frame jobs with some that fail; then those alone."""
    failing = list(range(0, shards, -(-shards // FAILING)))[: min(FAILING, shards - 1)]
    (packed / "failing").mkdir()
    for shard in failing:
        (packed / "failing" / str(shard)).touch()
    name = f"snakemake, {shards} frame jobs, {len(failing)} of them fail"
    text = steps.run(name, "snakemake", "--", target, ok=False)
    steps.measured[name]["frame jobs that succeeded"] = jobs_run(text, "frames")
    assert jobs_run(text, "frames") == shards - len(failing), "a failing shard stopped others"
    shutil.rmtree(packed / "failing")
    name = f"snakemake again: the {len(failing)} failed shards, and the index"
    text = steps.run(name, "snakemake", "--", target)
    steps.measured[name]["frame jobs that ran"] = jobs_run(text, "frames")
    assert jobs_run(text, "frames") == len(failing), f"more or less than the failed shards was made again\n{text}"


def main() -> None:
    """Build the experiment and take it through every step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=558_278)
    parser.add_argument("--shards", type=int, default=650)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aurl-kinetics-") as temporary:
        top = Path(temporary)
        folder, dataset, packed = top / "repository", top / "kinetics700", top / "packed"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(folder)], check=True)
        real = shutil.which("aurl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        assert real is not None
        stand_in = top / "bin" / "aurl"
        stand_in.parent.mkdir()
        stand_in.write_text(STAND_IN)
        stand_in.chmod(0o755)
        os.environ |= {
            "PYTHONPATH": str(folder), "AURL_REAL": real, "AURL_PACKED": str(packed),
            "PATH": os.pathsep.join([str(stand_in.parent), str(Path(sys.executable).parent), os.environ["PATH"]]),
        }  # fmt: skip
        os.chdir(folder)
        (folder / "dvc.lock").unlink(missing_ok=True)
        began = time.perf_counter()
        build_dataset(dataset, chosen.videos)
        write_params(folder / "params.yaml", dataset, chosen.shards)
        steps = Steps(folder)
        steps.keep("build the dataset", time.perf_counter() - began)
        seen = load_experiment(folder / "params.yaml").seen
        paths = ResultPaths("micro")
        os.environ["AURL_DATASET"] = seen
        steps.run("aurl plan", "aurl", "plan")
        steps.run("snakemake --dry-run, nothing made", "snakemake", "--dry-run", "--quiet", "rules")
        steps.run("list and digest the videos", "snakemake", "--", str(paths.files(seen)))
        steps.run("manifest, every video probed", "snakemake", "--", str(paths.manifest(seen)))
        steps.run("one shard, really extracted", real, "frames", seen, "--shard", "1")
        shutil.rmtree(paths.root / "frames")
        shutil.rmtree(paths.root / "provenance" / "frames")
        began = time.perf_counter()
        pack_shards(folder, packed)
        steps.keep("pack the shards beforehand", time.perf_counter() - began)
        frame_jobs(steps, packed, str(paths.frames_index(seen)), chosen.shards)
        steps.run("snakemake, the rest (one training, two test sets)", "snakemake")
        steps.run("snakemake --dry-run, all made", "snakemake", "--dry-run")
        paths.shard(seen, chosen.shards // 2).write_bytes(b"damaged")
        text = steps.run("snakemake, one shard damaged", "snakemake")
        assert "damaged" in text
        steps.run("aurl record", "aurl", "record")
        steps.run("aurl record, nothing new", "aurl", "record")
        steps.run("aurl status", "aurl", "status")
        steps.run("aurl audit --all, every digest computed", "aurl", "audit", "--all")
        steps.run("aurl audit --all, digests known", "aurl", "audit", "--all")
        disk = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
        measured = {"videos": chosen.videos, "shards": chosen.shards, "cores": os.cpu_count(),
                    "bytes of the experiment's folder": disk,
                    "steps": [{"step": name, **figures} for name, figures in steps.measured.items()]}  # fmt: skip
        os.chdir(REPOSITORY)
        write_json(OUTPUT, measured)
        print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()

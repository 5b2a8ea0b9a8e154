"""Kinetics-700's frames, simulated: 558,278 videos in 650 shards, through every step around the training.

    python benchmarks/kinetics_scale.py [--videos N] [--shards N]

Builds an experiment in a temporary folder (below TMPDIR; about 3 GB): a folder of 700 classes with as many files as
Kinetics-700 has videos (hard links to one-frame videos, so that every step reads real files but spends no time on
decoding), `micro`'s two test sets and one small training. Some videos are damaged until the frame jobs have run once:
their shards fail, and no other. Prints the figures of each step, and writes them to benchmarks/measured/.
"""

import argparse
import os
import re
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from processes import REPOSITORY, copy_repository, run

from aurl.datasets.rendered import encode
from aurl.experiment.presets import preset_text
from aurl.frames.packing import split_shards
from aurl.pipeline.paths import ResultPaths
from aurl.system.json_files import write_json

OUTPUT = REPOSITORY / "benchmarks/measured/kinetics_scale.json"
LINKS = 50_000  # of one file; ext4 allows 65,000
FAILING = 7
SNAKEMAKE = ("snakemake", "--printshellcmds", "--cores", str(os.cpu_count()))


class Steps:
    """Runs the steps in the experiment's folder and keeps their figures."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.measured: dict[str, dict[str, float]] = {}

    def run(self, name: str, *command: str, ok: bool = True) -> str:
        """Run a command; returns what it printed."""
        usage = run(self.folder, *command, ok=ok)
        self.keep(
            name, usage.seconds, **{"CPU seconds": round(usage.cpu, 1), "peak memory [MiB]": round(usage.peak_mib)}
        )
        return usage.output

    def keep(self, name: str, seconds: float, **more: float) -> None:
        """Keep and print the figures of a step."""
        self.measured[name] = {"seconds": round(seconds, 1), **more}
        print(f"{name}: {self.measured[name]}", flush=True)


def build_dataset(folder: Path, videos: int) -> list[Path]:
    """Fill class folders of Kinetics-700's names with hard links to tiny videos; returns them as they are listed."""
    table = pd.read_csv(REPOSITORY / "data/class_tokens.csv", keep_default_na=False)
    classes = list(table[table["dataset"] == "kinetics700"]["class"])
    sources, paths = folder.with_name("sources"), []
    sources.mkdir()
    for number, part in enumerate(split_shards(videos, len(classes))):
        target = folder / "train" / classes[number].replace(" ", "_")
        target.mkdir(parents=True)
        for video in part:
            source = sources / f"{video // LINKS}.mp4"
            if not source.exists():
                encode(source, np.zeros((1, 16, 16, 3), np.uint8), "h264")
            paths.append(target / f"{video:011d}_000001_000011.mp4")
            os.link(source, paths[-1])
    return sorted(paths)


def write_params(params: Path, dataset: Path, shards: int) -> str:
    """Write `micro` with the big dataset as its seen one, and one training on a few of its videos; returns its name."""
    raw = yaml.safe_load(preset_text("micro"))
    raw["datasets"][raw["seen"]] = {
        "source": {"folder": str(dataset), "layout": "kinetics700", "versioned": False},
        "tokens": "kinetics700", "broken": "leave_out", "shards": shards,
    }  # fmt: skip
    raw["semantics"]["encoder"]["missing"] = "drop_class"
    raw["training"] |= {"epochs": 1, "epoch_videos": 60}
    raw["variants"], raw["trained"] = {"ls": raw["variants"]["ls"]}, ["ls"]
    raw["report"].pop("ablation_rows", None)
    params.write_text(yaml.safe_dump(raw, sort_keys=False))
    return str(raw["seen"])


def replace_videos(videos: dict[Path, bytes]) -> None:
    """Replace video files by others of the given bytes; their folders keep their times."""
    for path, content in videos.items():
        times = path.parent.stat()
        path.unlink()
        path.write_bytes(content)
        os.utime(path.parent, ns=(times.st_atime_ns, times.st_mtime_ns))


def run_frame_jobs(steps: Steps, target: str, shards: int, videos: list[Path]) -> None:
    """Run all frame jobs, of which some fail; then those alone."""
    failing = range(0, shards, -(-shards // FAILING))[: min(FAILING, shards - 1)]
    parts = split_shards(len(videos), shards)
    damaged = [videos[parts[shard][0]] for shard in failing]
    good = damaged[0].read_bytes()
    replace_videos(dict.fromkeys(damaged, b"damaged"))
    name = f"snakemake, {shards} frame jobs, {len(failing)} of them fail"
    text = steps.run(name, *SNAKEMAKE, "--keep-going", "--", target, ok=False)
    steps.measured[name]["frame jobs that succeeded"] = count_jobs(text, "frames")
    assert count_jobs(text, "frames") == shards - len(failing), f"a failing shard stopped others\n{text[-4000:]}"
    replace_videos(dict.fromkeys(damaged, good))
    name = f"snakemake again: the {len(failing)} failed shards, and the index"
    text = steps.run(name, *SNAKEMAKE, "--", target)
    steps.measured[name]["frame jobs that ran"] = count_jobs(text, "frames")
    assert count_jobs(text, "frames") == len(failing), f"more or less than the failed shards was rerun\n{text[-4000:]}"


def count_jobs(text: str, rule: str) -> int:
    """Count the jobs of a rule that Snakemake finished."""
    return len(re.findall(rf"Finished jobid: \d+ \(Rule: {rule}\)", text))


def main() -> None:
    """Build the experiment and take it through every step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=558_278)
    parser.add_argument("--shards", type=int, default=650)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aurl-kinetics-") as top:
        folder = copy_repository(Path(top) / "repository")
        dataset, steps = Path(top) / "kinetics700", Steps(folder)
        began = time.perf_counter()
        videos = build_dataset(dataset, chosen.videos)
        steps.keep("build the dataset", time.perf_counter() - began)
        seen = write_params(folder / "params.yaml", dataset, chosen.shards)
        paths = ResultPaths("micro")
        steps.run("aurl plan", "aurl", "plan")
        steps.run("snakemake --dry-run, nothing made", "snakemake", "--dry-run", "--quiet", "rules")
        steps.run("list and digest the videos", *SNAKEMAKE, "--", str(paths.files(seen)))
        steps.run("manifest, every video probed", *SNAKEMAKE, "--", str(paths.manifest(seen)))
        run_frame_jobs(steps, str(paths.frames_index(seen)), chosen.shards, videos)
        steps.run("snakemake, the rest (one training, two test sets)", *SNAKEMAKE)
        steps.run("snakemake --dry-run, all made", "snakemake", "--dry-run")
        (folder / paths.shard(seen, chosen.shards // 2)).write_bytes(b"damaged")
        assert "damaged" in steps.run("snakemake, one shard damaged", *SNAKEMAKE)
        steps.run("aurl record", "aurl", "record")
        steps.run("aurl record, nothing new", "aurl", "record")
        steps.run("aurl status", "aurl", "status")
        steps.run("aurl audit --all, every digest computed", "aurl", "audit", "--all")
        steps.run("aurl audit --all, digests known", "aurl", "audit", "--all")
        size = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
        rows = [{"step": name, **figures} for name, figures in steps.measured.items()]
        write_json(OUTPUT, {"videos": chosen.videos, "shards": chosen.shards, "cores": os.cpu_count(),
                            "bytes of the experiment's folder": size, "steps": rows})  # fmt: skip


if __name__ == "__main__":
    main()

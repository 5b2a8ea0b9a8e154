"""Scale: memory and CPU time of every stage at 1,000, 10,000 and 100,000 videos.

    python benchmarks/run.py scale
    python benchmarks/scale.py 1000 [STAGE ...]    # one size: one line for each stage

The videos are a few tiny ones under many names (hard links), the network is tiny; everything else is as in any
experiment. Each stage is its command, in an experiment of two datasets of the same videos (one to train on, one to
test on). The start of Python and imports cost the same at every size, so the growth of CPU time is taken from the
differences between sizes.
"""

import itertools
import math
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml
from harness import Comparison
from processes import ONE_THREAD, REPOSITORY, Usage, run

from aurl.datasets.rendered import encode
from aurl.experiment.presets import preset_text
from aurl.pipeline.paths import ResultPaths
from aurl.semantics.vectors import load_vectors

SIZES, CLASSES = (1_000, 10_000, 100_000), 100
NETWORK = ("--variant", "ls", "--seed", "0")
COMMANDS = {
    "ingest": ("ingest", "test"), "manifest": ("manifest", "test"), "frames": ("frames", "test"),
    "frames_index": ("frames-index", "test"), "embeddings": ("embeddings", "test"), "seen_classes": ("seen-classes",),
    "train": ("train", *NETWORK), "features": ("features", "test", *NETWORK), "evaluate": ("evaluate", "test", *NETWORK),
    "collect": ("collect",), "statistics": ("statistics",), "tables": ("tables",),
    "predict": ("predict", "--classes", "run,jump", "--variant", "ls"),
}  # fmt: skip
MOST_PREDICTED = 10_000  # file names of one command line
LINKS = 20_000  # names of one file: file systems allow some 65,000
AIM_MEMORY, AIM_GROWTH = 1.15, 1.1
NOISE_SECONDS = 0.5  # CPU time that a stage must add over all sizes for its growth to be shown
HELD = {
    "ingest": "the paths and classes of the folder's files, sorted before they are listed",
    "frames": "8 bytes for each frame and video of the shard, three times while its index is written",
    "train": "length, label, order and clip start of every video",
    "features": "lengths, labels, and the paths, which stand in the file's head",
    "evaluate": "labels, the paths in the file's head, and a distance of every video",
    "statistics": "a hit of every video, variant, seed, number of clips and rank; labels; the paths of one file",
    "predict": "the names on the command line and the answer of every video",
}


def measure() -> list[Comparison]:
    """Measure every stage at every size: a row of memory for each, then a row of growth."""
    sizes = {size: measure_size(size) for size in SIZES}
    stages = {stage: {size: taken[stage] for size, taken in sizes.items() if stage in taken} for stage in COMMANDS}
    growing = {stage: taken for stage, taken in stages.items() if len(taken) == len(SIZES)}
    return [memory(*item) for item in stages.items()] + [row for item in growing.items() for row in growth(*item)]


def memory(stage: str, taken: dict[int, Usage]) -> Comparison:
    """Compare the process's own memory for the most videos with that for the fewest."""
    fewest, *_, before, most = (min(taken), *sorted(taken)[-2:])
    figures: dict[str, float | str] = {f"own at {size:,} [MiB]": usage.own_mib for size, usage in taken.items()}
    figures["all processes of the stage, with pages of files [MiB]"] = taken[most].peak_mib
    added = (taken[most].own_mib - taken[before].own_mib) * 2**20
    figures["for each further video [bytes]"] = added / (most - before)
    note = f"Held for every video: {HELD[stage]}." if stage in HELD else ""
    ratio = taken[most].own_mib / taken[fewest].own_mib
    what = f"{stage}: own memory at {most:,} videos"
    return Comparison(what, f"at {fewest:,}", [ratio], AIM_MEMORY, "smaller", figures, note)


def growth(stage: str, taken: dict[int, Usage]) -> list[Comparison]:
    """Compare the CPU time that the last tenfold adds with what the one before adds; nothing where both are noise."""
    first, second, third = (taken[size].cpu for size in SIZES)
    if third - first < NOISE_SECONDS or second <= first:
        return []
    exponent = math.log10((third - second) / (second - first))
    figures: dict[str, float | str] = {f"at {size:,} [CPU s]": usage.cpu for size, usage in taken.items()}
    what = f"{stage}: CPU time over videos"
    return [Comparison(what, "exponent 1 (linear)", [exponent], AIM_GROWTH, "smaller", figures)]


def measure_size(videos: int, stages: list[str] | None = None) -> dict[str, Usage]:
    """Run every stage, one after the other, for one number of videos."""
    with tempfile.TemporaryDirectory(prefix="aurl-scale-") as top:
        folder = Path(top)
        make_experiment(folder, videos)
        environment = {"PYTHONPATH": str(REPOSITORY), **ONE_THREAD}
        taken = {}
        for stage in stages or COMMANDS:
            if stage == "predict" and videos > MOST_PREDICTED:
                continue
            files = sorted(map(str, (folder / "videos").rglob("*.mp4"))) if stage == "predict" else []
            taken[stage] = run(folder, sys.executable, "-m", "aurl.cli", *COMMANDS[stage], *files, **environment)
            usage = taken[stage]
            print(f"{videos:7} {stage:13} {usage.cpu:8.2f} CPU s {usage.own_mib:8.1f} MiB", file=sys.stderr, flush=True)
            share(folder, stage)
        return taken


def make_experiment(folder: Path, videos: int) -> None:
    """Write an experiment's folder: params.yaml, the shipped data, and the videos in class folders."""
    for name in ("data", "aurl"):
        (folder / name).symlink_to(REPOSITORY / name)
    words = load_vectors(REPOSITORY / "data/googlenews_action_subset.bin", 300).index_to_key
    words = sorted(word for word in words if word.isascii() and word.islower() and word.isalpha())[:60]
    names = [" ".join(pair) for pair in itertools.permutations(words, 2)][:CLASSES]
    originals = folder / "originals"
    originals.mkdir()
    for number in range(videos // LINKS + 1):
        frames = np.random.default_rng(number).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
        encode(originals / f"{number}.mp4", frames, "h264")
    for number in range(videos):
        path = folder / "videos" / names[number % CLASSES] / f"video_{number:06d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(originals / f"{number // LINKS}.mp4", path)
    experiment = yaml.safe_load(preset_text("micro"))
    source = {"source": {"folder": "videos"}, "tokens": "words", "broken": "error", "shards": 1}
    experiment |= {"experiment": "scale", "seen": "seen", "unseen": ["test"],
                   "datasets": {"seen": source, "test": source}, "trained": ["ls"],
                   "variants": {"ls": {"losses": {"seen": 1}, "word_projector": True, "strict_labels": False}}}  # fmt: skip
    experiment["semantics"]["tau"] = 0  # both datasets have the same classes
    experiment["model"] |= {
        "clip_length": 2,
        "embedding": 16,
        "backbone": {"name": "r2plus1d", "width": 4, "blocks": [1]},
    }
    experiment["training"] |= {"epochs": 1, "epoch_videos": 640, "batch_size": 64, "resume_every": 1000}
    experiment["evaluation"] |= {"clips": [1, 2], "batch_size": 256}
    test_set = {"dataset": "test", "label": "test", "published": None}
    experiment["report"] |= {"test_sets": {"test": test_set}, "closeness_of": "test", "sota_clips": 2}
    (folder / "params.yaml").write_text(yaml.safe_dump(experiment))


def share(folder: Path, stage: str) -> None:
    """Let what a stage wrote of the test set serve as the training set's: they have the same videos."""
    paths = ResultPaths("scale", folder / "results")
    written = {
        "ingest": [paths.files], "manifest": [paths.manifest], "embeddings": [paths.embeddings],
        "frames": [lambda dataset: paths.shard(dataset, 0), lambda dataset: paths.shard_index(dataset, 0)],
        "frames_index": [paths.frames_index],
    }.get(stage, [])  # fmt: skip
    for path in written:
        path("seen").parent.mkdir(parents=True, exist_ok=True)
        if stage == "frames_index":
            path("seen").write_text(path("test").read_text().replace("/test/", "/seen/"))
        else:
            os.link(path("test"), path("seen"))


if __name__ == "__main__":
    measure_size(int(sys.argv[1]), sys.argv[2:] or None)

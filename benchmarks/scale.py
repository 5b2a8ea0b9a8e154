"""Synthetic datasets of any size, and what each stage takes for them: the measurements of `memory` and `growth`.

    python benchmarks/scale.py 1000 100 [STAGE ...]    # videos, classes: one line for each stage

The videos are a few tiny ones under many names (hard links), the network is tiny; everything else is as in any
experiment: each stage is executed as its command does it, in a process of its own, into the results of an experiment
of two datasets (one to train on, one to test on, of the same videos).
"""

import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
EXPERIMENT = "scale"
SIZES, CLASSES = (1_000, 10_000, 100_000), (10, 100, 1_000)
MIDDLE_SIZE, MIDDLE_CLASSES = 10_000, 100
STAGES = [
    "ingest", "manifest", "frames", "frames_index", "embeddings", "seen_classes", "train", "features", "evaluate",
    "collect", "statistics", "tables", "predict",
]  # fmt: skip
MOST_PREDICTED = 10_000  # file names of one command line
LINKS = 20_000  # names of one file: file systems allow some 65,000


@dataclass(frozen=True)
class Taken:
    """What a stage took for a dataset of so many videos and classes.

    Attributes:
        seconds: CPU time of the stage's work with its worker processes, without the start of Python and imports.
        imported: memory of the process in bytes after the imports, before the work.
        peak: the process's greatest memory during the work; pages of mapped files count, which the system takes
            back when it needs them.
        own: the same without pages of files.
        children: the greatest memory of a worker process.
    """

    stage: str
    videos: int
    classes: int
    seconds: float
    imported: int
    peak: int
    own: int
    children: int


def measure_all(sizes: tuple[int, ...] = SIZES, classes: tuple[int, ...] = CLASSES) -> list[Taken]:
    """Every stage for every number of videos, and for every number of classes; kept for the next benchmark.

    What was measured of the same code on this machine less than two hours ago is taken as it is.
    """
    from aurl.system.files import sha256_folder, write_json

    code = {folder: sha256_folder(REPOSITORY / folder / "") for folder in ("aurl",)}
    key = {"code": code["aurl"], "benchmark": Path(__file__).read_text(), "sizes": [*sizes], "classes": [*classes]}
    kept = Path(tempfile.gettempdir()) / f"aurl-scale-{os.getuid()}.json"
    if kept.is_file() and time.time() - kept.stat().st_mtime < 7200:
        found = json.loads(kept.read_text())
        if found["key"] == key:
            return [Taken(**row) for row in found["rows"]]
    shapes = sorted({(size, MIDDLE_CLASSES) for size in sizes} | {(MIDDLE_SIZE, count) for count in classes})
    rows = [row for shape in shapes for row in measure_one(*shape)]
    write_json(kept, {"key": key, "rows": [asdict(row) for row in rows]})
    return rows


def measure_one(videos: int, classes: int, stages: list[str] | None = None) -> list[Taken]:
    """Every stage, one after the other, for one number of videos and classes."""
    with tempfile.TemporaryDirectory(prefix="aurl-scale-") as name:
        folder = Path(name)
        make_experiment(folder, videos, classes)
        rows = []
        for stage in stages or STAGES:
            if stage == "predict" and videos > MOST_PREDICTED:
                continue
            command = [sys.executable, __file__, "--inside", stage]
            threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # as in a run
            environment = {**os.environ, **threads, "PYTHONPATH": str(REPOSITORY)}
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{stage} of {videos} videos failed\n{done.stderr[-3000:]}")
            rows.append(Taken(stage, videos, classes, **json.loads(done.stdout.splitlines()[-1])))
            print(_line(rows[-1]), file=sys.stderr, flush=True)
            if stage in ("ingest", "manifest", "frames", "frames_index", "embeddings"):
                share(folder, stage)
        return rows


def make_experiment(folder: Path, videos: int, classes: int) -> None:
    """An experiment's folder: params.yaml, the shipped data, and the videos in class folders."""
    import numpy as np
    import yaml

    from aurl.datasets.rendered import encode
    from aurl.semantics.vectors import load_vectors

    (folder / "data").symlink_to(REPOSITORY / "data")
    vectors = REPOSITORY / "data/googlenews_action_subset.bin"
    words = [word for word in load_vectors(vectors, 300).index_to_key if word.isascii() and word.islower()]
    words = sorted(word for word in words if word.isalpha())[:60]
    names = [" ".join(pair) for pair in itertools.permutations(words, 2)][:classes]
    originals = folder / "originals"
    originals.mkdir()
    for number in range(videos // LINKS + 1):
        frames = np.random.default_rng(number).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
        encode(originals / f"{number}.mp4", frames, "h264")
        rotate(originals / f"{number}.mp4")
    for number in range(videos):
        path = folder / "videos" / names[number % classes] / f"video_{number:06d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(originals / f"{number // LINKS}.mp4", path)
    experiment = yaml.safe_load((REPOSITORY / "presets/micro.yaml").read_text())
    source = {"source": {"folder": "videos"}, "tokens": "words", "broken": "error", "shards": 1}
    experiment |= {"experiment": EXPERIMENT, "seen": "seen", "unseen": ["test"],
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


def rotate(path: Path) -> None:
    """Let a file say that it is shown upside down: such files are read by PyAV alone, which opens them sooner.

    The matrix stands at a fixed place in the track header of an mp4.
    """
    content = path.read_bytes()
    matrix = content.index(b"tkhd") + 44
    one, minus = (1 << 16).to_bytes(4, "big"), (-(1 << 16)).to_bytes(4, "big", signed=True)
    assert content[matrix : matrix + 4] == one
    half = minus + bytes(12) + minus + bytes(12) + (1 << 30).to_bytes(4, "big")
    path.write_bytes(content[:matrix] + half + content[matrix + 36 :])


def share(folder: Path, stage: str) -> None:
    """What a stage made of the dataset to test on serves as the one to train on: they have the same videos."""
    from aurl.pipeline.paths import ResultPaths

    paths = ResultPaths(EXPERIMENT, folder / "results")
    made = {
        "ingest": [paths.files], "manifest": [paths.manifest], "embeddings": [paths.embeddings],
        "frames": [lambda dataset: paths.shard(dataset, 0), lambda dataset: paths.shard_index(dataset, 0)],
        "frames_index": [paths.frames_index],
    }[stage]  # fmt: skip
    for path in made:
        path("seen").parent.mkdir(parents=True, exist_ok=True)
        if stage == "frames_index":
            path("seen").write_text(path("test").read_text().replace("/test/", "/seen/"))
        else:
            os.link(path("test"), path("seen"))


def run_stage(stage: str) -> dict[str, float]:
    """Execute a stage in this process and this folder, and tell what it took."""
    import importlib

    from aurl.cli import Run
    from aurl.experiment.read import load_experiment
    from aurl.pipeline.stages import STAGES as ENTRIES

    run = Run(load_experiment(Path("params.yaml")))
    dataset, network = ("test",), ("ls", 0)
    arguments = {"ingest": dataset, "manifest": dataset, "frames": ("test", 0), "frames_index": dataset,
                 "embeddings": dataset, "train": network, "features": (*network, *dataset),
                 "evaluate": (*network, *dataset)}  # fmt: skip
    if stage == "predict":
        importlib.import_module("aurl.inference.predict")
        work = lambda: predict_all(run)  # noqa: E731
    else:
        importlib.import_module(ENTRIES[stage].entry)
        job = getattr(run.jobs, stage)(*arguments.get(stage, ()))
        work = lambda: run.execute(job, workers=2)  # noqa: E731
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    imported = _memory("VmRSS")
    with Sampler() as sampler:
        began = _cpu_seconds()
        work()
        seconds = _cpu_seconds() - began
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {"seconds": seconds, "imported": imported, "peak": _memory("VmHWM"), "own": sampler.greatest,
            "children": children}  # fmt: skip


def predict_all(run: "object") -> None:
    """As `aurl predict` with every video of the dataset."""
    from aurl.cli import cli

    videos = [str(path) for path in sorted(Path("videos").rglob("*.mp4"))]
    cli.main(["predict", *videos, "--classes", "run,jump", "--variant", "ls"], standalone_mode=False)


class Sampler:
    """The greatest own (anonymous) memory of this process, looked at a hundred times a second by another one."""

    def __enter__(self) -> "Sampler":
        program = (
            "import sys, time, select\n"
            "most = 0\n"
            "while True:\n"
            f"    text = open('/proc/{os.getpid()}/status').read()\n"
            "    most = max(most, int(text.split('RssAnon:')[1].split()[0]))\n"
            "    if select.select([sys.stdin], [], [], 0.01)[0]:\n"
            "        print(most * 1024); break\n"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.greatest = int(self._process.communicate("\n")[0])


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _memory(field: str) -> int:
    """VmRSS (now) or VmHWM (the most) of this process, in bytes. Not getrusage: its peak outlives exec."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) * 1024


def _line(taken: Taken) -> str:
    mib = {name: getattr(taken, name) / 2**20 for name in ("imported", "peak", "own", "children")}
    return (
        f"{taken.videos:7} videos {taken.classes:5} classes {taken.stage:13} {taken.seconds:8.2f} s  MiB: "
        + ", ".join(f"{name} {value:.1f}" for name, value in mib.items())
    )


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        print(json.dumps(run_stage(sys.argv[2])))
    else:
        measure_one(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or None)

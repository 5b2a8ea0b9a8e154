"""Time and memory of the stage `statistics` on random features of the paper's size.

    python tools/statistics_page.py

Writes its table into docs/statistics.md. The features take up to 4 GB of the temporary folder. The stage is its command,
with one thread.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file
from tabulate import tabulate

from aurl.experiment.presets import preset_text
from aurl.experiment.read import load_experiment
from aurl.pipeline.paths import ResultPaths
from aurl.system.files import replace_section

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
from processes import ONE_THREAD, REPOSITORY, run

DOCUMENT, SECTION = REPOSITORY / "docs/statistics.md", "python tools/statistics_page.py"
VIDEOS, CLASSES, DIMENSION = 13_320, 101, 2048
HEAD = ["preset", "variants", "seeds", "videos", "classes", "clip counts", "features", "time", "peak memory"]


def write_features(path: Path, seed: int, clips: list[int]) -> None:
    """Write a features file of UCF101's size: embeddings that scatter about those of their classes."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(VIDEOS) % CLASSES
    classes = torch.randn(CLASSES, DIMENSION, generator=generator)
    tensors = {
        f"clips{number}": classes[labels] + 12 * torch.randn(VIDEOS, DIMENSION, generator=generator) for number in clips
    }
    names = {"classes": [f"class {number}" for number in range(CLASSES)], "paths": [str(n) for n in range(VIDEOS)]}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({**tensors, "labels": labels, "classes": classes}, path, {"aurl": json.dumps(names)})


def measure(seeds: int, folder: Path) -> list[object]:
    """Measure `paper` with UCF101 alone and so many seeds; returns its row of the table."""
    raw = yaml.safe_load(preset_text("paper"))
    test_set = raw["report"]["test_sets"]["ucf101"]
    raw |= {"seeds": list(range(seeds)), "unseen": [test_set["dataset"]]}
    raw["report"]["test_sets"] = {"ucf101": test_set}
    (folder / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    (folder / "data").symlink_to(REPOSITORY / "data")
    experiment = load_experiment(folder / "params.yaml")
    paths, clips = ResultPaths(experiment.experiment, folder / "results"), experiment.evaluation.clips
    files = [paths.features(variant, seed, raw["unseen"][0]) for variant in raw["variants"] for seed in raw["seeds"]]
    for number, path in enumerate(files):
        write_features(path, number, clips)
    usage = run(folder, sys.executable, "-m", "aurl.cli", "statistics", PYTHONPATH=str(REPOSITORY), **ONE_THREAD)
    size = sum(path.stat().st_size for path in files) / 2**20
    return [
        "paper", len(raw["variants"]), seeds, f"{VIDEOS:,}", CLASSES, len(clips), f"{size:,.0f} MiB",
        f"{usage.seconds:.1f} s", f"{usage.peak_mib:,.0f} MiB",
    ]  # fmt: skip


def main() -> None:
    """Measure one seed and three, and write the table."""
    rows = []
    for seeds in (1, 3):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(seeds, Path(folder)))
    table = tabulate(rows, HEAD, "pipe", disable_numparse=True)
    print(table)
    replace_section(DOCUMENT, SECTION, table + "\n")


if __name__ == "__main__":
    main()

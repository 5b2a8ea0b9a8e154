"""Time and memory of the stage `statistics`: on the features of `mini`, and on drawn ones of the paper's size.

    python benchmarks/statistics_time.py [RESULTS]     # RESULTS: where mini's features lie (default: results/mini)

Writes its table into docs/statistics.md. The drawn features take up to 4 GB of the temporary folder. Each size is
measured in a process of its own, with one thread.
"""

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from tabulate import tabulate

from aurl.evaluation.comparison import Rows
from aurl.evaluation.published import published_methods
from aurl.evaluation.uncertainty import write_statistics
from aurl.experiment.read import load_experiment
from aurl.experiment.settings import Experiment
from aurl.system.files import replace_section

DOCUMENT, SECTION = Path("docs/statistics.md"), "python benchmarks/statistics_time.py"
VIDEOS, CLASSES, DIMENSION = 13_320, 101, 2048
DATASET = "ucf101"


def draw_features(path: Path, seed: int, clips: list[int]) -> None:
    """A features file of UCF101's size: embeddings that scatter about those of their classes."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(VIDEOS) % CLASSES
    classes = torch.randn(CLASSES, DIMENSION, generator=generator)
    tensors = {
        f"clips{number}": classes[labels] + 12 * torch.randn(VIDEOS, DIMENSION, generator=generator) for number in clips
    }
    names = {"classes": [f"class {number}" for number in range(CLASSES)], "paths": [str(n) for n in range(VIDEOS)]}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({**tensors, "labels": labels, "classes": classes}, path, {"aurl": json.dumps(names)})


def cells_of(experiment: Experiment, seeds: int) -> dict[tuple[str, int, str], str]:
    """Variant, seed and test set -> the features file; of `paper` UCF101 alone."""
    datasets = experiment.unseen if experiment.experiment == "mini" else [DATASET]
    return {
        (variant, seed, dataset): f"features/{variant}/seed{seed}/{dataset}.safetensors"
        for variant in experiment.variants
        for seed in range(seeds)
        for dataset in datasets
    }


def draw(preset: str, root: Path, seeds: int) -> None:
    """The features of an experiment of the paper's size."""
    experiment = load_experiment(Path("presets") / f"{preset}.yaml")
    for number, name in enumerate(cells_of(experiment, seeds).values()):
        draw_features(root / name, number, experiment.evaluation.clips)


def measure(preset: str, root: Path, seeds: int) -> list[object]:
    """The row of one experiment: what is read, seconds, and peak memory of this process."""
    torch.set_num_threads(1)
    experiment = load_experiment(Path("presets") / f"{preset}.yaml")
    files = {cell: root / name for cell, name in cells_of(experiment, seeds).items()}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "statistics.json"
        report = experiment.report
        rows = Rows(tuple(published_methods()), report.proposed, report.baseline)
        write_statistics(files, report.ablation_clips, experiment.evaluation.statistics, rows, output)
        found = json.loads(output.read_text())
    seconds = time.perf_counter() - began
    tested = next(iter(found["variants"].values())).values()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    size = sum(path.stat().st_size for path in files.values()) / 2**20
    return [
        preset, len(experiment.variants), seeds, " + ".join(f"{cells['videos']:,}" for cells in tested),
        " + ".join(str(cells["classes"]) for cells in tested), len(experiment.evaluation.clips), f"{size:,.0f} MiB",
        f"{seconds:.1f} s", f"{memory:,.0f} MiB",
    ]  # fmt: skip


def main() -> None:
    """Measure each size in a process of its own, and write the table."""
    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results/mini")
    rows = []
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        rows.append(pool.apply(measure, ("mini", results, 3)))
        for seeds in (1, 3):
            with tempfile.TemporaryDirectory() as folder:
                pool.apply(draw, ("paper", Path(folder), seeds))
                rows.append(pool.apply(measure, ("paper", Path(folder), seeds)))
    head = ["preset", "variants", "seeds", "videos", "classes", "clip counts", "features", "time", "peak memory"]
    table = tabulate(rows, head, "pipe", disable_numparse=True)
    print(table)
    replace_section(DOCUMENT, SECTION, table + "\n")


if __name__ == "__main__":
    main()

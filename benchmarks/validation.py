"""Choose a method of our own on validation classes: 60 seen classes of `mini`, which no candidate trains on.

    snakemake -- results/mini/frames/drawn_kinetics/index.json results/mini/seen_classes.csv
    python benchmarks/validation.py [--jobs 2]   # trains what is missing, then writes docs/validation.md

The two test sets are never read. The classes were drawn once (`SEED`) and stand in data/validation_classes.csv. Each
candidate trains on the other seen classes with three seeds, as `mini` does; a finished cell is kept in
results/validation, and is made again only after it is deleted. The rule of the choice stands in `choose`.
"""

import argparse
import statistics
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from aurl.evaluation.metrics import closeness, cosine_similarity, dispersion
from aurl.evaluation.video_embeddings import embed_videos
from aurl.experiment.presets import load_preset
from aurl.experiment.settings import VariantSettings
from aurl.fitting.hubs import csls
from aurl.models.checkpoint import load_model
from aurl.semantics.classes import read_seen_classes
from aurl.system.files import replacing, write_json
from aurl.training.loop import TrainingData, TrainingOutputs, load_training_data, train

REPOSITORY = Path(__file__).resolve().parents[1]
CLASSES, PAGE = REPOSITORY / "data/validation_classes.csv", REPOSITORY / "docs/validation.md"
MEASURED = REPOSITORY / "benchmarks/measured/validation.json"
NUMBER, SEED, SEEDS, CLIPS, NEIGHBOURS = 60, 2026, (0, 1, 2), 4, (5, 10, 20)
SYNTHETIC = {"weight": 1, "query": "semantic", "mix": "uniform", "low": 0, "high": 1}
AURL: dict[str, Any] = {"seen": 1, "centres": 1, "synthetic": SYNTHETIC}


def mixing(low: float, high: float, **more: Any) -> dict[str, Any]:
    """Name the loss term of mixed videos, with its settings."""
    return {"mixed_videos": {"weight": 1, "low": low, "high": high, **more}}


CANDIDATES: dict[str, dict[str, Any]] = {
    "aurl": AURL,
    "aurl + mixed videos, 0.25 to 0.75": AURL | mixing(0.25, 0.75),
    "ls_e2e": {"seen": 1},
    "ls_e2e + mixed videos, 0.25 to 0.75": {"seen": 1} | mixing(0.25, 0.75),
    "aurl + mixed videos against seen classes too": AURL | mixing(0.25, 0.75, seen=True),
    "aurl + mixed videos, 0 to 1": AURL | mixing(0.0, 1.0),
    "ls_e2e + mixed videos against seen classes too": {"seen": 1} | mixing(0.25, 0.75, seen=True),
}
BASE = "aurl"


def validation_classes(seen: list[str]) -> list[str]:
    """Read the classes that are held out; draw and write them if the file is missing."""
    if not CLASSES.is_file():
        drawn = np.random.default_rng(SEED).choice(sorted(seen), NUMBER, replace=False)
        with replacing(CLASSES) as (path,):
            pd.DataFrame({"class": sorted(drawn)}).to_csv(path, index=False, lineterminator="\n")
    return list(pd.read_csv(CLASSES)["class"])


def part(data: TrainingData, chosen: list[str]) -> TrainingData:
    """Keep the videos of some classes; labels become numbers of `chosen`."""
    rows = [data.classes.index(name) for name in chosen]
    numbers = np.full(len(data.classes), -1)
    numbers[rows] = np.arange(len(rows))
    labels = numbers[data.labels]
    return replace(
        data, classes=chosen, embeddings=data.embeddings[rows], videos=data.videos[labels >= 0],
        labels=labels[labels >= 0], words=[data.words[row] for row in rows],
    )  # fmt: skip


def cell(folder: Path, results: Path, candidate: str, seed: int) -> None:
    """Train a candidate with a seed on the seen classes that are left, and evaluate it on the others."""
    experiment, place = load_preset("mini"), folder / candidate.replace(" ", "_") / f"seed{seed}"
    finished = place.with_suffix(".result.json")
    if finished.is_file():
        return
    files = [results / name for name in ("manifests/drawn_kinetics.csv", "frames/drawn_kinetics/index.json",
                                         "embeddings/drawn_kinetics.safetensors", "seen_classes.csv")]  # fmt: skip
    data = load_training_data(files[0], "error", *files[1:], strict_labels=True)
    held = validation_classes(data.classes)
    trained, tested = part(data, [name for name in data.classes if name not in held]), part(data, held)
    variant = VariantSettings.model_validate({"losses": CANDIDATES[candidate], "word_projector": True})
    outputs = TrainingOutputs(*(place.with_suffix(end) for end in (".safetensors", ".json", ".steps.csv", ".resume")))
    place.parent.mkdir(parents=True, exist_ok=True)
    train(trained, "candidate", seed, experiment.model, experiment.training, variant, outputs, candidate)
    write_json(finished, evaluate(outputs.checkpoint, trained, tested))


def evaluate(checkpoint: Path, trained: TrainingData, tested: TrainingData) -> dict[str, Any]:
    """Measure a network on the held-out classes: top-1 by cosine and with seen-bank CSLS, closeness, dispersion.

    Returns: besides, for each rule the hits of the videos in the order of the manifest, for paired tests.
    """
    model, described = load_model(checkpoint)
    compute = load_preset("mini").evaluation.compute
    torch.set_num_threads(1)
    videos, bank = (
        torch.cat(list(embed_videos(model, data.store, data.videos, [clips], described["clip_length"], 64, compute,
                                    "embed")), dim=1)[0]
        for data, clips in ((tested, CLIPS), (trained, 1))
    )  # fmt: skip
    with torch.inference_mode():
        classes = model.embed_classes(tested.embeddings)
    scores, of_bank = cosine_similarity(videos, classes), cosine_similarity(bank, classes)
    labels = torch.from_numpy(tested.labels)
    rules = {"cosine": scores} | {f"csls {k}": csls(scores, of_bank, k) for k in NEIGHBOURS}
    hits = {name: (each.argmax(dim=1) == labels).int().tolist() for name, each in rules.items()}
    return {
        "top1": {name: round(100 * statistics.mean(each), 2) for name, each in hits.items()},
        "closeness": round(float(closeness(videos, labels, classes)), 4),
        "dispersion": round(float(dispersion(videos, labels)), 4),
        "hits": hits,
    }


def main() -> None:
    """Train and evaluate all cells, and write the results and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results/mini"), help="finished stages of mini")
    parser.add_argument("--folder", type=Path, default=Path("results/validation"), help="where finished cells are kept")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, of one core each")
    options = parser.parse_args()
    validation_classes(read_seen_classes(options.results / "seen_classes.csv", strict=True))
    with ProcessPoolExecutor(options.jobs) as pool:
        waiting = [
            pool.submit(cell, options.folder, options.results, name, seed) for seed in SEEDS for name in CANDIDATES
        ]
        for each in waiting:
            each.result()


if __name__ == "__main__":
    main()

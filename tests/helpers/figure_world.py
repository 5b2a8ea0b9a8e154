"""Write the results of an experiment with random contents, as figures read them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import safetensors.numpy
import torch
from safetensors.torch import save

from aurl.evaluation.collect import collect_metrics
from aurl.evaluation.evaluate import evaluate
from aurl.evaluation.held_out import CURVE
from aurl.evaluation.protocols import half_splits
from aurl.experiment.presets import load_preset
from aurl.experiment.settings import SourceSettings, TestSetSettings, VariantSettings
from aurl.frames.packing import encode_jpegs, write_index, write_shard
from aurl.models.checkpoint import state_bytes
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel
from aurl.report.figures.base import FigureData, FigureInputs
from aurl.semantics.seen import write_seen_classes
from aurl.system.json_files import write_json

MICRO = load_preset("micro")
DATASET = MICRO.datasets["micro_ucf"].model_copy(update={"source": SourceSettings(folder="videos")})  # not rendered
VARIANTS, SEEDS, CLIPS, SPLITS = ["mse", "ls", "aurl"], [0, 1], [1, 3], [1, 3, 10, 50]
SEEN = "micro_seen"
TEST_SETS = {"micro_ucf": "UCF-like", "micro_hmdb": "HMDB-like"}
CLASSES = {
    "micro_seen": [f"seen {number}" for number in range(9)],
    "micro_ucf": ["$1 & <b>", *(f"class {letter}" for letter in "abcdef"), "handstand " * 9],
    "micro_hmdb": [f"other {letter}" for letter in "abcdef"],
}
PARTS = {"mse": ["mse"], "ls": ["seen"]}  # of the loss; others have L_S and L_US
VIDEOS, FRAMES, STEPS, EPOCHS = 4, 9, 5, 3  # videos a class, frames a video, steps an epoch


def build(
    folder: Path, test_sets: Mapping[str, str] = TEST_SETS, variants: Sequence[str] = VARIANTS,
    seeds: Sequence[int] = SEEDS, parts: Mapping[str, list[str]] = PARTS, random_seed: int = 0,
) -> FigureData:  # fmt: skip
    """Write everything that figures read.

    Args:
        test_sets: dataset -> label. parts: variant -> parts of the loss in its log.
    """
    rng = np.random.default_rng(random_seed)
    folder.mkdir(parents=True, exist_ok=True)
    classes = {dataset: CLASSES.get(dataset, CLASSES["micro_hmdb"]) for dataset in [SEEN, *test_sets]}
    embeddings = {dataset: folder / f"{dataset}.emb" for dataset in classes}
    for dataset, path in embeddings.items():
        described = {"classes": sorted(classes[dataset]), "tokens": {n: [n] for n in classes[dataset]}, "dropped": {}}
        vectors = rng.normal(size=(len(classes[dataset]), 5)).astype(np.float32)
        path.write_bytes(safetensors.numpy.save({"embeddings": vectors}, {"aurl": json.dumps(described)}))
    write_seen_classes(embeddings[SEEN], {d: embeddings[d] for d in test_sets}, 0.05, None, folder / "seen.csv")
    features, metrics = {}, {}
    for variant in variants:
        for seed in seeds:
            for dataset in test_sets:
                key = (variant, seed, dataset)
                features[key], metrics[key] = (folder / f"{variant}{seed}{dataset}.{kind}" for kind in ("st", "json"))
                write_features(features[key], sorted(classes[dataset]), rng)
                evaluate(features[key], {"half_splits": half_splits.Settings(splits=SPLITS)}, metrics[key])
    for seed in seeds:  # a row that a method fits has metrics, and its scores are no embeddings
        metrics |= {("eszsl", seed, dataset): metrics[variants[0], seed, dataset] for dataset in test_sets}
    collect_metrics(metrics, folder / "metrics.csv")
    steps = {(variant, seed): folder / f"{variant}{seed}.steps.csv" for variant in variants for seed in seeds}
    for (variant, _), path in steps.items():
        write_steps(path, parts.get(variant, ["seen", "synthetic"]), rng)
    manifests, frames = {}, {}
    for dataset in test_sets:
        manifests[dataset], frames[dataset] = folder / f"{dataset}.csv", folder / dataset / "index.json"
        write_frames(manifests[dataset], frames[dataset], sorted(classes[dataset]), rng)
    inputs = FigureInputs(
        folder / "metrics.csv", folder / "seen.csv", features, steps, {("aurl", 0): write_checkpoint(folder, random_seed)},
        manifests, frames, embeddings, write_curves(folder, variants, seeds, test_sets, random_seed),
    )  # fmt: skip
    return FigureData(inputs, settings_of(test_sets, variants))


def write_curves(
    folder: Path, variants: Sequence[str], seeds: Sequence[int], test_sets: Mapping[str, str], random_seed: int
) -> dict[str, Path]:
    """Write curves of seen over unseen accuracy, a file for each variant."""
    rng, curves = np.random.default_rng(random_seed), {}
    for variant in variants:
        rows = [
            (seed, dataset, *point)
            for seed in seeds
            for dataset in test_sets
            for point in zip(
                [-np.inf, *np.sort(rng.normal(size=5)), np.inf],
                [*-np.sort(-rng.uniform(0, 90, 6)), 0],
                [0, *np.sort(rng.uniform(0, 60, 6))],
                strict=True,
            )
        ]
        curves[variant] = folder / f"{variant}.curve.csv"
        pd.DataFrame(rows, columns=list(CURVE)).to_csv(curves[variant], index=False, lineterminator="\n")
    return curves


def settings_of(test_sets: Mapping[str, str], variants: Sequence[str]) -> dict[str, object]:
    """State the settings that figures read, by dotted key."""
    shown = {name: TestSetSettings(dataset=name, label=label, published=None) for name, label in test_sets.items()}
    changes = {"title": "A test", "test_sets": shown, "closeness_of": next(iter(test_sets)), "ablation_clips": 1}
    return {
        "report": MICRO.report.model_copy(update=changes),
        "variants": {name: variant_like(name) for name in variants},
        "evaluated": list(variants),
        "methods": {"eszsl": MICRO.methods["eszsl"].model_copy(update={"features": variants[0]})},
        "external": {},
        "datasets": dict.fromkeys([SEEN, *test_sets], DATASET),
        "seen": SEEN,
        "semantics.tau": 0.05,
        "evaluation.clips": CLIPS,
        "evaluation.protocols.half_splits.splits": SPLITS,
    }


def variant_like(name: str) -> VariantSettings:
    """Choose the preset's settings of a variant; an unknown one is trained as L_S is."""
    return MICRO.variants.get(name, MICRO.variants["ls"])


def nothing_measured(folder: Path) -> FigureData:
    """Write the one file that an experiment without data has."""
    folder.mkdir(parents=True, exist_ok=True)
    collect_metrics({}, folder / "metrics.csv")
    inputs = FigureInputs(folder / "metrics.csv", None, {}, {}, {}, {}, {}, {})
    return FigureData(inputs, settings_of(TEST_SETS, VARIANTS))


def write_features(path: Path, classes: list[str], rng: np.random.Generator) -> None:
    """Write embeddings near their classes, so that some are right and some wrong."""
    labels = np.repeat(np.arange(len(classes)), VIDEOS)
    rows = rng.normal(size=(len(classes), 6))
    tensors = {"labels": torch.from_numpy(labels), "classes": torch.from_numpy(rows).float()}
    for clips in CLIPS:
        tensors[f"clips{clips}"] = torch.from_numpy(rows[labels] + rng.normal(size=(len(labels), 6))).float()
    names = {"classes": classes, "paths": [f"{classes[label]}/{n % VIDEOS}.mp4" for n, label in enumerate(labels)]}
    path.write_bytes(save(tensors, {"aurl": json.dumps(names)}))


def write_steps(path: Path, parts: list[str], rng: np.random.Generator) -> None:
    """Write a training log."""
    number = np.arange(STEPS * EPOCHS)
    table = pd.DataFrame({"step": number, "epoch": number // STEPS, "rate": 0.1 / (1 + number)})
    for column in ("top1", "closeness", "dispersion", "loss", *parts):
        table[column] = rng.uniform(1, 9, len(number)).round(6)
    table.to_csv(path, index=False, lineterminator="\n")


def write_frames(manifest: Path, index: Path, classes: list[str], rng: np.random.Generator) -> None:
    """Write a manifest that begins with a broken video, and the frames of the others."""
    rows = [(f"{name}/{number}.mp4", name, "ok") for name in classes for number in range(VIDEOS)]
    table = pd.DataFrame([("broken.mp4", classes[0], "broken"), *rows], columns=["path", "class", "status"])
    table.to_csv(manifest, index=False, lineterminator="\n")
    shard = (index.parent / "0.jpegs", index.parent / "0.safetensors")
    write_shard(*shard, (encode_jpegs(rng.integers(0, 255, (FRAMES, 16, 16, 3), np.uint8), 90, "444") for _ in rows))
    write_index([shard], {"size": 16, "quality": 90, "chroma": "444"}, index)


def write_checkpoint(folder: Path, random_seed: int) -> Path:
    """Write a tiny untrained network and its description."""
    shape = {
        "backbone": {"name": "r2plus1d", "width": 4, "blocks": [1]}, "embedding": 6, "word_hidden": 7, "dropout": 0.0,
        "mean": [0, 0, 0], "std": [1, 1, 1], "dimension": 5, "word_projector": True, "seen_classes": None,
    }  # fmt: skip
    torch.manual_seed(random_seed)
    (folder / "aurl.safetensors").write_bytes(state_bytes(ZeroShotModel(ModelShape(**shape))))
    write_json(folder / "aurl.json", {"model": shape, "clip_length": 8})
    return folder / "aurl.safetensors"

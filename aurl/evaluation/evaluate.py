"""Evaluate: the metrics file of one (variant, seed, dataset)."""

import math
from pathlib import Path

from aurl.evaluation.feature_file import read_features
from aurl.evaluation.protocol import evaluate_protocols
from aurl.pipeline.jobs import Job
from aurl.system.files import write_json

VALUES = ["top1", "top1_std", "top5", "class_top1", "closeness", "dispersion", "videos", "classes"]


def evaluate(features: Path, splits: list[int], output: Path) -> None:
    """Evaluate every protocol and write `clips<n>` -> `splits<m>` -> metric, as `dvc metrics` reads it."""
    found = read_features(features)
    nested: dict[str, dict[str, dict[str, float]]] = {}
    for row in evaluate_protocols(found.videos, found.labels, found.classes, splits):
        cell = nested.setdefault(f"clips{row['clips']}", {}).setdefault(f"splits{row['splits']}", {})
        cell |= {name: round(value, 9) for name in VALUES if (value := row[name]) is not None and not math.isnan(value)}
    write_json(output, nested)


def run(job: Job) -> None:
    """Run the stage `evaluate`."""
    evaluate(job.inputs.features, job.settings["evaluation.splits"], job.outputs.metrics)

"""Write a result card for each row of an experiment, in the form of `aurl score --card`.

Everything in a card follows from metrics.csv, params.yaml and the lists, so `aurl verify` writes it anew and compares.
"""

import csv
import hashlib
import io
import math
from collections.abc import Mapping
from typing import Any

import yaml

from aurl.experiment.external import OWN_TRACK
from aurl.experiment.settings import Experiment

FOLDER = "cards/"
NAMES = {"top1": "top-1", "top5": "top-5", "class_top1": "class mean"}


def cards(experiment: Experiment, metrics: str, splits: bytes) -> dict[str, bytes]:
    """Write the cards: name in the bundle -> Markdown with a YAML head.

    Args:
        metrics: the text of metrics.csv. splits: the list of splits, whose SHA-256 the cards hold.
    """
    rows: dict[str, dict[tuple[str, str, int, int], list[Mapping[str, str]]]] = {}
    for row in csv.DictReader(io.StringIO(metrics)):
        key = row["dataset"], row.get("protocol") or "half_splits", int(row["clips"]), int(row["splits"])
        rows.setdefault(row["variant"], {}).setdefault(key, []).append(row)
    revision = hashlib.sha256(splits).hexdigest()
    return {f"{FOLDER}{name}.md": _card(experiment, name, cells, revision) for name, cells in rows.items()}


def _card(
    experiment: Experiment, name: str, cells: Mapping[tuple[str, str, int, int], list[Mapping[str, str]]], revision: str
) -> bytes:
    outside = experiment.external.get(name)
    facts: dict[str, Any] = {
        "experiment": experiment.experiment,
        "splits": {"file": "lists/splits.csv", "sha256": revision},
        "track": outside.track if outside else OWN_TRACK,
        "trained_on": "not stated" if outside else experiment.seen,
        "seeds": [] if outside else list(experiment.seeds),
    }
    head = {
        "tags": ["zero-shot-video-classification"],
        "model-index": [{"name": name, "results": [_entry(key, rows) for key, rows in cells.items()]}],
        "aurl": facts,
    }
    lines = ["| test set | protocol | clips | draws | top-1 |", "|---|---|---|---|---|"]
    for (dataset, protocol, clips, splits), rows in cells.items():
        mean, spread = _mean(rows, "top1")
        text = f"{mean:.1f}" + ("" if spread is None else f" ± {spread:.1f}")
        lines.append(f"| {dataset} | {protocol} | {clips} | {splits} | {text} |")
    text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=120)
    title = f"# {name} of experiment {experiment.experiment}"
    return f"---\n{text}---\n\n{title}\n\n".encode() + "\n".join([*lines, ""]).encode()


def _entry(key: tuple[str, str, int, int], rows: list[Mapping[str, str]]) -> dict[str, Any]:
    """Describe one test set, protocol and number of clips as an entry of `model-index`."""
    dataset, protocol, clips, splits = key
    metrics = []
    for column, label in NAMES.items():
        mean, spread = _mean(rows, column)
        if mean is not None:
            metric: dict[str, Any] = {"type": "accuracy", "name": label, "value": round(mean, 6)}
            metrics.append(metric if spread is None else metric | {"standard_deviation": round(spread, 6)})
    return {
        "task": {"type": "video-classification", "name": "Zero-shot video classification"},
        "dataset": {"type": dataset, "name": dataset, "split": f"{protocol}, {splits} draws, {clips} clips"},
        "metrics": metrics,
    }


def _mean(rows: list[Mapping[str, str]], column: str) -> tuple[Any, Any]:
    """Compute mean and standard deviation (n - 1) over seeds; None where there is none."""
    values = [float(row[column]) for row in rows if row.get(column)]
    if not values:
        return None, None
    mean = sum(values) / len(values)
    if len(values) == 1:
        return mean, None
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))

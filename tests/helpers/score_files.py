"""Score files for tests: the authors' predictions as one-hot scores, and embeddings of a made-up method."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from repositories import REPOSITORY

from aurl.evaluation import test_sets


def one_hot(name: str, order: int | None = None) -> dict[str, np.ndarray]:
    """The authors' predictions as scores of 0 and 1 with labels; videos and classes in any order."""
    with (REPOSITORY / f"data/authors_predictions_{name}.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    labels, predicted = (np.array([row[column] for row in rows]) for column in ("label", "pred"))
    classes = np.unique(labels)
    if order is not None:
        random = np.random.default_rng(order)
        classes, videos = random.permutation(classes), random.permutation(len(labels))
        labels, predicted = labels[videos], predicted[videos]
    return {"scores": (predicted[:, None] == classes).astype(np.float32), "label": labels, "class": classes}


def embeddings(name: str, noise: float, seed: int = 0, dimensions: int = 64) -> dict[str, np.ndarray]:
    """Class embeddings, and videos around that of their class; official names."""
    of = test_sets.test_set(name)
    classes = np.random.default_rng(1).normal(size=(len(of.classes), dimensions))
    videos = classes[of.labels] + noise * np.random.default_rng(seed).normal(size=(len(of.labels), dimensions))
    return {"video_embeddings": videos.astype(np.float32), "class_embeddings": classes.astype(np.float32),
            "video": np.array(of.videos), "class": np.array(of.classes)}  # fmt: skip


def scores(name: str, noise: float, seed: int = 0) -> dict[str, np.ndarray]:
    """Scores of every video and class, with official names; nothing is equal."""
    of = test_sets.test_set(name)
    values = noise * np.random.default_rng(seed).normal(size=(len(of.labels), len(of.classes)))
    values[np.arange(len(of.labels)), of.labels] += 1
    return {"scores": values.astype(np.float32), "video": np.array(of.videos), "class": np.array(of.classes)}


def write_npz(path: Path, content: dict[str, Any]) -> Path:
    """Write an .npz, also of arrays of objects."""
    np.savez(path, **content)
    return path

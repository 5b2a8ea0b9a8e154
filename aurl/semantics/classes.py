"""What the semantics stages leave for the others: class embeddings, and the seen classes to train on."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import safe_open


@dataclass(frozen=True)
class ClassEmbeddings:
    """Class names in code point order, their embeddings float32 (classes, dimension), tokens, and what was dropped."""

    classes: list[str]
    vectors: np.ndarray
    tokens: dict[str, list[str]]
    dropped: dict[str, list[str]]


def read_embeddings(path: Path) -> ClassEmbeddings:
    """Read what `embed_dataset` wrote."""
    with safe_open(path, framework="numpy") as handle:
        described = json.loads(handle.metadata()["aurl"])
        vectors = handle.get_tensor("embeddings")
    return ClassEmbeddings(described["classes"], vectors, described["tokens"], described["dropped"])


def read_seen_classes(path: Path, strict: bool) -> list[str]:
    """Class names to train on, in code point order; without strict labels all that have an embedding."""
    table = pd.read_csv(path, dtype={"class": str}, keep_default_na=False)
    return sorted(table["class"][table["kept"]] if strict else table["class"])

"""What the semantics stages leave for the others: class embeddings, and the seen classes to train on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import safe_open

from aurl.system.errors import AurlError
from aurl.system.text_files import made_again, read_csv, unreadable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ClassEmbeddings:
    """Class names in code point order, their embeddings float32 (classes, dimension), tokens, and what was dropped."""

    classes: list[str]
    vectors: np.ndarray
    tokens: dict[str, list[str]]
    dropped: dict[str, list[str]]


def read_embeddings(path: Path) -> ClassEmbeddings:
    """Read what `embed_dataset` wrote. Raises: AurlError for a damaged file, or one that holds something else."""
    try:
        with safe_open(path, framework="numpy") as handle:
            described = json.loads(handle.metadata()["aurl"])
            found = ClassEmbeddings(
                described["classes"], handle.get_tensor("embeddings"), described["tokens"], described["dropped"]
            )
        _check(found)
    except Exception as error:  # safetensors and JSON raise their own
        raise unreadable(path, error, made_again(path)) from None
    return found


def read_seen_table(path: Path) -> "pd.DataFrame":
    """Read what `write_seen_classes` wrote, the distances exactly. Raises: AurlError for a damaged file."""
    types = {"class": str, "kept": bool, "nearest_class": str, "nearest_dataset": str}
    exact = {"distance": float}  # Python's own conversion, which loses no digit
    mend = made_again(path)
    table = read_csv(path, [*types, *exact], mend, dtype=types, converters=exact, keep_default_na=False)
    if not np.isfinite(table["distance"].astype(float)).all():
        raise AurlError(f"{path}: unreadable (a distance is not finite); {mend}")
    return table


def read_seen_classes(path: Path, strict: bool) -> list[str]:
    """Class names to train on, in code point order; without strict labels all that have an embedding."""
    table = read_seen_table(path)
    return sorted(table["class"][table["kept"]] if strict else table["class"])


def _check(found: ClassEmbeddings) -> None:
    """Raises: ValueError where the parts do not fit together."""
    if not all(_are_texts(names) for names in (found.classes, *found.tokens.values(), *found.dropped.values())):
        raise ValueError("its classes and words are no lists of texts")
    if found.classes != sorted(found.tokens):
        raise ValueError("its classes are not those of its tokens")
    if found.vectors.ndim != 2 or len(found.vectors) != len(found.classes):
        raise ValueError(f"embeddings of shape {found.vectors.shape} for {len(found.classes)} classes")
    if not np.isfinite(found.vectors).all():
        raise ValueError("its embeddings are not finite")


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)

"""Reads what the semantics stages write: class embeddings, and the seen classes to train on."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import safe_open

from aurl.system.errors import AurlError
from aurl.system.text_files import read_csv, rerun_hint, unreadable

if TYPE_CHECKING:
    import pandas as pd

LONGEST_LIST = 10_000  # characters of classes and words in a message; no dataset here comes near


@dataclass(frozen=True)
class ClassEmbeddings:
    """The embedded classes of a dataset, and the classes that the encoder dropped.

    `classes` are in code point order, `vectors` are float32 (classes, dimension). `texts` holds what was encoded for
    each class: its words, or its sentences. `dropped` holds, for each class without an embedding, the unknown words.
    `words` maps each word of `texts` to its vector, float32 (dimension,); empty for an encoder without word vectors.
    """

    classes: list[str]
    vectors: np.ndarray
    texts: dict[str, list[str]]
    dropped: dict[str, list[str]]
    words: dict[str, np.ndarray] = field(default_factory=dict)


def read_embeddings(path: Path) -> ClassEmbeddings:
    """Read the class embeddings of a dataset. Raises: AurlError for a damaged file, or one that holds something else."""
    try:
        with safe_open(path, framework="numpy") as handle:
            metadata = json.loads(handle.metadata()["aurl"])
            vectors = handle.get_tensor("embeddings")
            listed = metadata.get("words", [])
            words = dict(zip(listed, handle.get_tensor("words") if listed else [], strict=True))
        embeddings = ClassEmbeddings(metadata["classes"], vectors, metadata["tokens"], metadata["dropped"], words)
        _check(embeddings)
    except Exception as error:  # safetensors and JSON raise their own
        raise unreadable(path, error, rerun_hint(path)) from None
    return embeddings


def equal_classes(embeddings: ClassEmbeddings) -> list[list[str]]:
    """Group the classes that no video can tell apart: the same words in any order, or equal embeddings."""
    scale = np.abs(embeddings.vectors).max(initial=0) or 1.0
    known: dict[Any, list[str]] = {}
    for name, row in zip(embeddings.classes, (embeddings.vectors / scale).round(5) + 0.0, strict=True):
        keys = (tuple(sorted(embeddings.texts[name])), row.tobytes())
        group = next((known[key] for key in keys if key in known), [])
        group.append(name)
        known |= dict.fromkeys(keys, group)
    return [group for group in {id(group): group for group in known.values()}.values() if len(group) > 1]


def list_equal(groups: list[list[str]]) -> str:
    """List groups of classes in a message: "'jump rope' = 'jump_rope'; 'tapping' = 'taping'"."""
    listed = "; ".join(" = ".join(f"'{name}'" for name in group) for group in groups)
    return f"{listed[:LONGEST_LIST]} ..." if len(listed) > LONGEST_LIST else listed


def read_seen_table(path: Path) -> "pd.DataFrame":
    """Read seen_classes.csv, the distances exactly. Raises: AurlError for a damaged file."""
    types = {"class": str, "kept": bool, "nearest_class": str, "nearest_dataset": str}
    exact = {"distance": float}  # Python's own conversion, which loses no digit
    mend = rerun_hint(path)
    table = read_csv(path, [*types, *exact], mend, dtype=types, converters=exact, keep_default_na=False)
    if not np.isfinite(table["distance"].astype(float)).all():
        raise AurlError(f"{path}: unreadable (a distance is not finite); {mend}")
    return table


def read_seen_classes(path: Path, strict: bool) -> list[str]:
    """Read the class names to train on, in code point order; without strict labels, all that have an embedding."""
    table = read_seen_table(path)
    return sorted(table["class"][table["kept"]] if strict else table["class"])


def _check(embeddings: ClassEmbeddings) -> None:
    """Raises: ValueError where the parts do not fit together."""
    classes, vectors, texts = embeddings.classes, embeddings.vectors, embeddings.texts
    if not all(_are_texts(names) for names in (classes, *texts.values(), *embeddings.dropped.values())):
        raise ValueError("its classes and words are no lists of texts")
    if classes != sorted(texts):
        raise ValueError("its classes are not those of its tokens")
    if vectors.ndim != 2 or len(vectors) != len(classes):
        raise ValueError(f"embeddings of shape {vectors.shape} for {len(classes)} classes")
    if not np.isfinite(vectors).all():
        raise ValueError("its embeddings are not finite")
    if embeddings.words and not {word for text in texts.values() for word in text} <= embeddings.words.keys():
        raise ValueError("a word of a class has no vector")


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)

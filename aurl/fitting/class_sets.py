"""Read the classes of a dataset as methods get them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from aurl.methods.base import ClassSet
from aurl.semantics.classes import read_embeddings


def class_set(embeddings: Path, names: Sequence[str] | None = None) -> ClassSet:
    """Read classes with their embeddings and words: all of a file, or some of them in the order given.

    Raises: AurlError for a damaged file.
    """
    stored = read_embeddings(embeddings)
    chosen = list(stored.classes if names is None else names)
    rows = [stored.classes.index(name) for name in chosen]
    vectors = {word: torch.from_numpy(vector) for word, vector in stored.words.items()}
    words = [torch.stack([vectors[word] for word in stored.texts[name]]) for name in chosen] if vectors else []
    return ClassSet(chosen, torch.from_numpy(stored.vectors[rows]), words)


def joined(sets: Mapping[str, ClassSet]) -> ClassSet:
    """Join the classes of several datasets; of two with one name the first stays."""
    names: dict[str, tuple[str, int]] = {}
    for dataset, classes in sets.items():
        for number, name in enumerate(classes.names):
            names.setdefault(name, (dataset, number))
    places = list(names.values())
    embeddings = torch.stack([sets[dataset].embeddings[number] for dataset, number in places])
    with_words = all(classes.words for classes in sets.values())
    words = [sets[dataset].words[number] for dataset, number in places] if with_words else []
    return ClassSet(list(names), embeddings, words)

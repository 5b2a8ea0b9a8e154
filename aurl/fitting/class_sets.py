"""Read the classes of a dataset as methods get them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from aurl.methods.base import ClassSet
from aurl.semantics.classes import read_embeddings


def class_set(embeddings: Path) -> ClassSet:
    """Read the classes of a file with their embeddings and words. Raises: AurlError for a damaged file."""
    stored = read_embeddings(embeddings)
    vectors = {word: torch.from_numpy(vector) for word, vector in stored.words.items()}
    words = [torch.stack([vectors[word] for word in stored.texts[name]]) for name in stored.classes] if vectors else []
    return ClassSet(stored.classes, torch.from_numpy(stored.vectors), words)


def chosen(classes: ClassSet, names: Sequence[str]) -> ClassSet:
    """Choose classes by their names, in the order of the names."""
    places = {name: number for number, name in enumerate(classes.names)}
    rows = [places[name] for name in names]
    words = [classes.words[row] for row in rows] if classes.words else []
    return ClassSet(list(names), classes.embeddings[rows], words)


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

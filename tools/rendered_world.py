"""Write data/rendered_world.csv: how each class of the embedded world looks.

    python tools/rendered_world.py

The classes are those of Kinetics-700, UCF101 and HMDB51 whose words the shipped GoogleNews vectors know. The mean of a
class's words, along its ten leading directions over all classes (each of unit spread), goes through a small network
of one hidden layer with fixed random weights, and then through a sigmoid.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from aurl.datasets.world import FACTORS
from aurl.semantics.encoders.word2vec import class_embedding
from aurl.semantics.tokens import read_token_table
from aurl.semantics.vectors import load_vectors
from aurl.system.files import replacing
from aurl.system.shipped import RENDERED_WORLD, TOKEN_TABLE, WORD_VECTORS

DATASETS = ("kinetics700", "ucf101", "hmdb51")
DIRECTIONS, HIDDEN, GAIN, SEED = 10, 64, 1.2, 7


def known_classes() -> tuple[list[tuple[str, str]], np.ndarray]:
    """List the (dataset, class) whose words have vectors, and their class embeddings, float64 (n, 300)."""
    words = {
        (dataset, name): tokens
        for dataset in DATASETS
        for name, tokens in read_token_table(TOKEN_TABLE, dataset).items()
    }
    vectors = load_vectors(WORD_VECTORS, 300, {word for tokens in words.values() for word in tokens})
    known = [key for key, tokens in words.items() if all(word in vectors for word in tokens)]
    return known, np.stack([class_embedding(words[key], vectors) for key in known]).astype(np.float64)


def factors_of(embeddings: np.ndarray) -> np.ndarray:
    """Compute the factors of class embeddings (n, d): float64 (n, 9) in [0, 1]."""
    centred = embeddings - embeddings.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][:DIRECTIONS]
    largest = np.abs(directions).argmax(axis=1)
    directions *= np.sign(directions[np.arange(DIRECTIONS), largest])[:, None]  # a direction has no sign of its own
    along = centred @ directions.T
    random = np.random.default_rng(SEED)
    first = random.normal(size=(DIRECTIONS, HIDDEN)) * 1.5 / np.sqrt(DIRECTIONS)
    second = random.normal(size=(HIDDEN, len(FACTORS))) / np.sqrt(HIDDEN)
    values = np.tanh(along / along.std(axis=0) @ first) @ second
    return 1 / (1 + np.exp(-GAIN * (values - values.mean(axis=0)) / values.std(axis=0)))


def main(path: Path = RENDERED_WORLD) -> None:
    """Write the table."""
    known, embeddings = known_classes()
    with replacing(path) as (temporary,), temporary.open("w", newline="") as handle:
        rows = csv.writer(handle, lineterminator="\n")
        rows.writerow(("dataset", "class", *FACTORS))
        for key, factors in zip(known, factors_of(embeddings), strict=True):
            rows.writerow((*key, *(f"{value:.4f}" for value in factors)))


if __name__ == "__main__":
    sys.exit(main())

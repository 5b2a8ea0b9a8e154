"""Use a trained network from Python: embeddings of video files and of class names, as numpy arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from aurl.evaluation.test_sets import test_set as find_test_set
from aurl.experiment.settings import ComputeSettings, FrameSettings
from aurl.inference.embed import embed_files
from aurl.inference.predict import choose_frames
from aurl.models.checkpoint import load_model
from aurl.models.zero_shot import ZeroShotModel
from aurl.semantics.encoders.word2vec import embed_tokens
from aurl.semantics.tokens import words
from aurl.semantics.vectors import load_vectors
from aurl.system.errors import AurlError
from aurl.system.shipped import WORD_VECTORS, packaged

FRAMES = FrameSettings(size=112, quality=90, chroma="420")  # where a checkpoint's description does not say
LISTED = 5  # names in an error


@dataclass(frozen=True)
class Model:
    """Hold a trained network with the description of its training."""

    checkpoint: Path
    network: ZeroShotModel
    description: dict[str, Any]

    def encode_videos(
        self,
        paths: Sequence[Path | str],
        clips: int = 1,
        size: int | None = None,
        batch_size: int = 16,
        device: Literal["auto", "cpu", "cuda"] = "auto",
    ) -> np.ndarray:
        """Embed video files, float32 (n, space).

        Args:
            clips: test clips of a video, whose embeddings are averaged.
            size: of the frames, for imported weights; those of `aurl train` say it themselves.
        Raises: AurlError for a file that cannot be read.
        """
        frames = choose_frames(self.description, FRAMES, self.checkpoint, size)
        files, length = [Path(path) for path in paths], self.description["clip_length"]
        embedded = embed_files(self.network, files, clips, length, frames, batch_size, ComputeSettings(device=device))
        if embedded.failures:
            path, reason = next(iter(embedded.failures.items()))
            raise AurlError(f"{path}: {reason} ({len(embedded.failures)} of {len(paths)} videos); leave them out")
        return embedded.embeddings.numpy()

    def encode_classes(
        self, names: Sequence[str], vectors: Path | str | None = None, test_set: str | None = None
    ) -> np.ndarray:
        """Embed class names in the space of the videos, float32 (C, space); arguments as `class_embeddings`."""
        embedded = class_embeddings(names, vectors, test_set, self.description["model"]["dimension"])
        with torch.inference_mode():
            return self.network.cpu().embed_classes(torch.from_numpy(embedded)).numpy()


def load(checkpoint: Path | str) -> Model:
    """Load a trained network on the CPU. Raises: AurlError for a missing or damaged file."""
    network, description = load_model(Path(checkpoint))
    return Model(Path(checkpoint), network, description)


def class_embeddings(
    names: Sequence[str], vectors: Path | str | None = None, test_set: str | None = None, dimension: int = 300
) -> np.ndarray:
    """Embed class names by word vectors, float32 (C, dimension): the mean of the words' unit vectors.

    Args:
        vectors: a file of word2vec or GloVe; the shipped part of GoogleNews, if not given.
        test_set: whose official words stand for its classes; without it a name's own words do.
        dimension: of the vectors.
    Raises: AurlError for a word that the vectors do not know, or a class that is not the test set's.
    """
    if not names:
        raise AurlError("class_embeddings: give at least one class name")
    tokens = _official(names, test_set) if test_set else {name: words(name) for name in names}
    return embed_words(tokens, list(names), vectors, dimension)


def embed_words(
    tokens: Mapping[str, list[str]], names: Sequence[str], vectors: Path | str | None, dimension: int
) -> np.ndarray:
    """Embed class names by given words, float32 (C, dimension), in the order of `names`.

    Raises: AurlError for a class without words, or a word that the vectors do not know.
    """
    if empty := [name for name, own in tokens.items() if not own]:
        raise AurlError(f"class '{empty[0]}' has no word in its name; rename it")
    path = packaged(WORD_VECTORS) if vectors is None else Path(vectors)
    loaded = load_vectors(path, dimension, {word for of_class in tokens.values() for word in of_class})
    embedded = embed_tokens(dict(tokens), loaded)
    if embedded.dropped:
        unknown = sorted({word for own in embedded.dropped.values() for word in own})
        raise AurlError(
            f"{path}: does not know {', '.join(map(repr, unknown[:LISTED]))} ({len(unknown)} in all); use other words, or"
            " a larger file of vectors ('aurl fetch vectors' gets GoogleNews, of which a small part is shipped)"
        )
    rows = {name: row for row, name in enumerate(embedded.classes)}
    return np.asarray(embedded.vectors[[rows[name] for name in names]])


def _official(names: Sequence[str], test_set: str) -> dict[str, list[str]]:
    official = find_test_set(test_set).words
    unknown = [name for name in names if name not in official]
    if unknown:
        raise AurlError(f"{test_set}: no words are known of class '{unknown[0]}' ({len(unknown)} of {len(names)})")
    return {name: list(official[name]) for name in names}

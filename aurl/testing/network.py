"""Load a network to test: a checkpoint of `aurl train`, or a file of published weights."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aurl.experiment.settings import FrameSettings, ModelSettings
from aurl.inference.encode import encode_words
from aurl.inference.model import FRAMES, embed_words
from aurl.inference.predict import choose_frames
from aurl.models.checkpoint import load_model
from aurl.models.published import read_published
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel
from aurl.semantics.tokens import class_tokens, lemmas
from aurl.semantics.wordnet import read_verbs
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file
from aurl.system.shipped import TOKEN_TABLE, WORD_VECTORS, packaged

CLIP_LENGTH = ModelSettings.model_fields["clip_length"].default
FULL = {300: Path("datasets/GoogleNews-vectors-negative300.bin.gz")}  # where `aurl fetch vectors` puts them
SHIPPED = {300: WORD_VECTORS, 100: WORD_VECTORS.with_name("glove100_action_subset.bin")}  # dimension -> vectors
PUBLISHED_AS = {662: "aurl", 700: "aurl_all"}  # seen classes of the authors' files -> rows of the published tables


@dataclass(frozen=True)
class Network:
    """Hold a network with all that testing it needs.

    Args:
        file: checkpoint or weights. variant: the row of the published tables that it repeats; empty if none.
        vectors: of words. notes: what was assumed, a sentence each.
    """

    file: Path
    sha256: str
    kind: str
    model: ZeroShotModel
    dimension: int
    clip_length: int
    frames: FrameSettings
    vectors: Path
    variant: str
    notes: list[str]

    def embed_classes(self, names: tuple[str, ...], tokens: str) -> np.ndarray:
        """Embed class names in the space of the videos, float32 (C, space).

        Args:
            tokens: `words` or `lemmas` of the names, or a dataset of the token table, whose words are taken.
        Raises: AurlError for a class that the dataset has not, or a word that the vectors do not know.
        """
        spoken = read_words(list(names), tokens)
        return encode_words(self.model.cpu(), embed_words(spoken, names, self.vectors, self.dimension))


def read_words(names: list[str], tokens: str) -> dict[str, list[str]]:
    """Turn class names into words, from any folder. Raises: AurlError."""
    if tokens == "lemmas":
        verbs = read_verbs()
        return {name: lemmas(name, verbs) for name in names}
    return class_tokens(names, tokens, packaged(TOKEN_TABLE))


def load_network(
    checkpoint: Path | None, weights: Path | None, vectors: Path | None, size: int | None, clip_length: int | None
) -> Network:
    """Load a checkpoint or published weights; sizes are read from the file.

    Args:
        vectors: by default the experiment's that trained it, else the fetched or shipped ones of its dimension.
        size, clip_length: of the frames and clips, in place of what the file says.
    Raises: AurlError for an unusable file, or if not exactly one is given.
    """
    if (checkpoint is None) == (weights is None):
        raise AurlError("give a network: --checkpoint FILE (of 'aurl train') or --weights FILE (published weights)")
    if weights is not None:
        return _published(weights, vectors, size, clip_length)
    assert checkpoint is not None
    model, described = load_model(checkpoint)
    notes = []
    if size is None and "frames" not in described:
        size = FRAMES.size
        notes.append(f"Frames of {size} x {size} pixels, the published size: imported weights do not say theirs.")
    frames = choose_frames(described, FRAMES, checkpoint, size)
    dimension = described["model"]["dimension"]
    chosen = vectors or trained_vectors(checkpoint, dimension) or usual_vectors(checkpoint, dimension)
    return Network(
        checkpoint, sha256_file(checkpoint), "checkpoint", model, dimension, clip_length or described["clip_length"],
        frames, chosen, "", notes,
    )  # fmt: skip


def trained_vectors(checkpoint: Path, dimension: int) -> Path | None:
    """Find the word vectors of the experiment that a checkpoint lies in, by its provenance blocks."""
    for folder in checkpoint.resolve().parents[2:3]:
        for block in sorted((folder / "provenance/embeddings").glob("*.json")):
            encoder = _encoder(block)
            if encoder.get("dimension") == dimension and isinstance(encoder.get("vectors"), str):
                path = Path(encoder["vectors"])
                candidates = (path, folder.parents[1] / path, packaged(path))
                return next((place for place in candidates if place.is_file()), None)
    return None


def usual_vectors(file: Path, dimension: int) -> Path:
    """Choose the fetched word vectors of a dimension, or the shipped ones.

    Raises: AurlError if there are none.
    """
    if dimension in FULL and FULL[dimension].is_file():
        return FULL[dimension]
    if dimension not in SHIPPED:
        raise AurlError(f"{file}: takes class embeddings of {dimension} dimensions; give word vectors with --vectors")
    return packaged(SHIPPED[dimension])


def _encoder(block: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(block.read_text())["identity"]["settings"]["semantics.encoder"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _published(file: Path, vectors: Path | None, size: int | None, clip_length: int | None) -> Network:
    published = read_published(file)
    if published.kind == "r2plus1d":
        raise AurlError(f"{file}: a backbone without projectors, which ranks no classes; nothing to test")
    model = ZeroShotModel(ModelShape(**published.shape))
    model.load_state_dict(published.state)
    variant = "mse" if published.kind == "e2e" else PUBLISHED_AS.get(published.shape["seen_classes"], "")
    frames = FRAMES.model_copy(update={} if size is None else {"size": size})
    length, dimension = clip_length or CLIP_LENGTH, published.shape["dimension"]
    backbone = published.shape["backbone"]
    seen = published.shape["seen_classes"]
    notes = [
        f"{file.name}: kind {published.kind}, R(2+1)D of width {backbone['width']}, blocks"
        f" {', '.join(map(str, backbone['blocks']))}, class embeddings of {dimension} dimensions"
        + (f", {seen} seen classes" if seen else "")
        + f"; read from the file. Frames of {frames.size} pixels, clips of {length} frames: the paper's, not in the file."
    ]
    chosen = vectors or usual_vectors(file, dimension)
    return Network(
        file, sha256_file(file), published.kind, model.eval(), dimension, length, frames, chosen, variant, notes
    )

"""Class embeddings: c(y), the mean of the unit word vectors of a class name's tokens."""

import json
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors
from safetensors.numpy import save

from aurl.datasets.table import iterate_usable
from aurl.pipeline.jobs import Job
from aurl.semantics.classes import ClassEmbeddings
from aurl.semantics.tokens import class_tokens
from aurl.semantics.vectors import load_vectors
from aurl.system.errors import AurlError
from aurl.system.files import write_bytes
from aurl.system.progress import log

LONGEST_LIST = 10_000  # characters of classes and words in a message; no dataset here comes near


def class_embedding(tokens: list[str], vectors: KeyedVectors) -> np.ndarray:
    """Mean of the tokens' vectors, each scaled to unit length first, the mean not again (released code): (dimension,)."""
    rows = np.stack([vectors[token] for token in tokens]).astype(np.float64)
    with np.errstate(invalid="ignore"):  # a vector of zeros gives NaN, which `embed_classes` refuses
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).mean(axis=0).astype(np.float32)


def embed_classes(tokens: dict[str, list[str]], vectors: KeyedVectors, missing: str, where: str) -> ClassEmbeddings:
    """Embed every class; words are never skipped.

    Args:
        missing: `error`, or `drop_class` to leave out every class with a word outside the vocabulary.
    Raises:
        AurlError: words are missing and `missing` is `error` (all are listed with their classes), no class is
            left, or one has no direction.
    """
    unknown = {name: [word for word in found if word not in vectors] for name, found in tokens.items()}
    unknown = {name: found for name, found in sorted(unknown.items()) if found}
    listed = "; ".join(f"{name}: {', '.join(found)}" for name, found in unknown.items())
    listed = f"{listed[:LONGEST_LIST]} ..." if len(listed) > LONGEST_LIST else listed
    if unknown and missing == "error":
        raise AurlError(
            f"{where}: {len(unknown)} of {len(tokens)} classes have words that the vectors do not know ({listed});"
            " use other vectors (semantics.vectors), or set semantics.missing to drop_class"
        )
    kept = sorted(set(tokens) - set(unknown))
    if not kept:
        raise AurlError(f"{where}: no class has all of its words in the vectors ({listed})")
    if unknown:
        log(f"{where}: dropped {len(unknown)} classes with unknown words ({listed})")
    embedded = np.stack([class_embedding(tokens[name], vectors) for name in kept])
    zero = [name for name, norm in zip(kept, np.linalg.norm(embedded, axis=1), strict=True) if not norm > 0]
    if zero:
        raise AurlError(f"{where}: the vectors of class '{zero[0]}' are zero or cancel; use other vectors")
    return ClassEmbeddings(kept, embedded, {name: tokens[name] for name in kept}, unknown)


def embed_dataset(manifest: Path, broken: str, token_source: str, vectors: Path, dimension: int, missing: str,
                  output: Path) -> None:  # fmt: skip
    """Embed the classes of a manifest's usable videos and write them."""
    classes = sorted({row["class"] for row in iterate_usable(manifest, broken)})
    tokens = class_tokens(classes, token_source)
    embeddings = embed_classes(tokens, load_vectors(vectors, dimension), missing, manifest.stem)
    described = {"classes": embeddings.classes, "tokens": embeddings.tokens, "dropped": embeddings.dropped}
    # one metadata key: safetensors writes several in no fixed order
    write_bytes(output, save({"embeddings": embeddings.vectors}, {"aurl": json.dumps(described, sort_keys=True)}))


def run(job: Job) -> None:
    """Run the stage `embeddings`."""
    settings = job.settings
    embed_dataset(
        job.inputs.manifest, settings["datasets.{dataset}.broken"], settings["datasets.{dataset}.tokens"],
        job.inputs.vectors, settings["semantics.dimension"], settings["semantics.missing"], job.outputs.embeddings,
    )  # fmt: skip

"""Class names of a dataset -> class embeddings, by the experiment's text encoder."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from aurl.datasets.table import iterate_usable
from aurl.pipeline.jobs import Job
from aurl.semantics.classes import LONGEST_LIST, ClassEmbeddings, equal_classes, list_equal
from aurl.semantics.encoders.base import EncoderSettings, load_encoder
from aurl.system.errors import AurlError
from aurl.system.files import write_bytes
from aurl.system.progress import log


def embed_dataset(
    manifest: Path, broken: str, tokens: str, encoder: EncoderSettings, output: Path, distinct: bool = False
) -> None:
    """Embed the classes of a manifest's usable videos, and write them.

    Raises: AurlError, see `check_embeddings`; or classes have equal words and `distinct` forbids it.
    """
    classes = sorted({row["class"] for row in iterate_usable(manifest, broken)})
    embeddings = load_encoder(encoder).encode(classes, tokens, encoder)
    check_embeddings(embeddings, encoder, manifest.stem)
    _check_equal(embeddings, manifest.stem, distinct)
    metadata = {"classes": embeddings.classes, "tokens": embeddings.texts, "dropped": embeddings.dropped}
    tensors = {"embeddings": embeddings.vectors}
    if embeddings.words:
        metadata |= {"words": list(embeddings.words)}
        tensors |= {"words": np.stack(list(embeddings.words.values()))}
    # one metadata key: safetensors writes several in no fixed order
    write_bytes(output, save(tensors, {"aurl": json.dumps(metadata, sort_keys=True)}))


def check_embeddings(embeddings: ClassEmbeddings, encoder: EncoderSettings, where: str) -> None:
    """Check what an encoder returned; dropped classes are logged where the settings allow them.

    Args:
        where: the dataset, for messages.
    Raises:
        AurlError: classes were dropped and `missing` is `error`, no class is left, or an embedding has the wrong
            shape or type, no direction, or a value that is not finite.
    """
    _check_dropped(embeddings, encoder.missing, where)
    vectors, expected = embeddings.vectors, (len(embeddings.classes), encoder.dimension)
    if vectors.shape != expected or vectors.dtype != np.float32:
        raise AurlError(
            f"{where}: the encoder {encoder.name} gave {vectors.dtype} {vectors.shape} for float32 {expected};"
            " correct semantics.encoder.dimension or the encoder"
        )
    norms = np.linalg.norm(vectors, axis=1)
    zero = [name for name, norm in zip(embeddings.classes, norms, strict=True) if not 0 < norm < np.inf]
    if zero:
        raise AurlError(
            f"{where}: the vectors of class '{zero[0]}' are zero or cancel, or are not finite; use other vectors"
        )


def _check_equal(embeddings: ClassEmbeddings, dataset: str, distinct: bool) -> None:
    groups = equal_classes(embeddings)
    if not groups:
        return
    fault = f"{dataset}: classes with equal words, of which only one can be predicted: {list_equal(groups)}"
    if distinct:
        raise AurlError(
            f"{fault}; rename them or put their videos into one folder, or set datasets.{dataset}.equal_words to allow"
        )
    log(fault)


def _check_dropped(embeddings: ClassEmbeddings, missing: str, where: str) -> None:
    dropped, total = embeddings.dropped, len(embeddings.classes) + len(embeddings.dropped)
    listed = "; ".join(f"{name}: {', '.join(words)}" for name, words in dropped.items())
    listed = f"{listed[:LONGEST_LIST]} ..." if len(listed) > LONGEST_LIST else listed
    if dropped and missing == "error":
        raise AurlError(
            f"{where}: {len(dropped)} of {total} classes have words that the vectors do not know ({listed}); use other"
            " vectors (semantics.encoder.vectors), or set semantics.encoder.missing to drop_class"
        )
    if not embeddings.classes:
        raise AurlError(f"{where}: no class has all of its words in the vectors ({listed})")
    if dropped:
        log(f"{where}: dropped {len(dropped)} classes with unknown words ({listed})")


def run(job: Job) -> None:
    """Run the stage `embeddings`."""
    settings = job.settings
    embed_dataset(
        job.inputs.manifest, settings["datasets.{dataset}.broken"], settings["datasets.{dataset}.tokens"],
        settings["semantics.encoder"], job.outputs.embeddings,
        job.wildcards["dataset"] in settings["unseen"] and settings["datasets.{dataset}.equal_words"] == "error",
    )  # fmt: skip

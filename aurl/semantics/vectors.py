"""Word vectors, read by gensim: word2vec binary or text, plain or gzipped, of any dimension."""

from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors

from aurl.errors import AurlError

BINARY_SUFFIXES = (".bin", ".bin.gz")


def load_vectors(path: Path, dimension: int) -> KeyedVectors:
    """Read a word2vec file; `.bin` and `.bin.gz` are binary, everything else is text.

    Raises:
        AurlError: the file is missing, damaged or cut short, or its vectors have another dimension.
    """
    if not path.is_file():
        raise AurlError(f"{path}: no such vectors file; check semantics.vectors")
    try:
        vectors = KeyedVectors.load_word2vec_format(str(path), binary=path.name.endswith(BINARY_SUFFIXES))
    except (EOFError, ValueError, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise AurlError(
            f"{path}: damaged or cut short ({type(error).__name__}: {reason}); fetch the file again"
        ) from None
    if vectors.vector_size != dimension:
        raise AurlError(
            f"{path}: the vectors have {vectors.vector_size} dimensions, semantics.dimension says {dimension}"
        )
    if not np.isfinite(vectors.vectors).all():
        raise AurlError(f"{path}: the vectors hold values that are not finite; fetch the file again")
    return vectors

"""Reads word vectors with gensim: word2vec binary or text, plain or gzipped, of any dimension."""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors

from aurl.system.errors import AurlError

BINARY_SUFFIXES = (".bin", ".bin.gz")
LONGEST_HEADER = 100  # bytes
LONGEST_WORD, LONGEST_NUMBER = 1000, 32  # bytes
STRIDE = 2**20  # bytes; so many hold the end of a word or a line, whatever the dimension


def load_vectors(path: Path, dimension: int) -> KeyedVectors:
    """Read a word2vec file; `.bin` and `.bin.gz` are binary, everything else is text.

    Raises:
        AurlError: the file is missing, damaged, cut short or of another format, or its vectors have another
            dimension.
    """
    if not path.is_file():
        raise AurlError(f"{path}: no such vectors file; check semantics.encoder.vectors")
    binary = path.name.endswith(BINARY_SUFFIXES)
    try:
        own = check_size(path, binary)
        if own != dimension:
            raise AurlError(f"{path}: the vectors have {own} dimensions, semantics.encoder.dimension says {dimension}")
        vectors = KeyedVectors.load_word2vec_format(str(path), binary=binary)
    except (EOFError, ValueError, OSError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise AurlError(
            f"{path}: damaged or cut short ({type(error).__name__}: {reason}); fetch the file again"
        ) from None
    if not np.isfinite(vectors.vectors).all():
        raise AurlError(f"{path}: the vectors hold values that are not finite; fetch the file again")
    return vectors


def check_size(path: Path, binary: bool) -> int:
    """Read the dimension from the header, and check that the file's size agrees with the header.

    gensim reserves memory for as many words as the header claims, and collects bytes until a word ends. So this reads
    and unpacks the whole file once before gensim does, without keeping it in memory.

    Raises:
        ValueError: no header, a size that does not agree with it, or too many bytes without the end of a word or line.
        OSError, EOFError, zlib.error: the file cannot be read or unpacked.
    """
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as handle:
        header = handle.readline(LONGEST_HEADER).split()
        count, dimension = map(int, header) if [number.isdigit() for number in header] == [True, True] else (0, 0)
        if not count or not dimension:
            raise ValueError("it does not begin with a number of words and of dimensions, as word2vec files do")
        least = count * (dimension * (4 if binary else 2) + 1)
        most = count * (dimension * LONGEST_NUMBER + LONGEST_WORD)
        size = _passed_bytes(handle.read, most, b" " if binary else b"\n")
    if not least <= size <= most:
        raise ValueError(f"{count} vectors of {dimension} dimensions do not fit the {size} bytes that follow")
    return dimension


def _passed_bytes(read: Callable[[int], bytes], most: int, separator: bytes) -> int:
    """Count the bytes that are left; stop soon after `most`."""
    size = 0
    while size <= most and (stretch := read(STRIDE)):
        if len(stretch) == STRIDE and separator not in stretch:
            raise ValueError(f"no word or line ends within {STRIDE} bytes")
        size += len(stretch)
    return size

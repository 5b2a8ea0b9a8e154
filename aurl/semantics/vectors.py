"""Read the vectors of words from a file: word2vec binary or text, or GloVe text, of any dimension."""

import lzma
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aurl.semantics.vector_files import STRIDE, Form, FormatError, Row, detect, is_packed, rows, unpacked
from aurl.system.errors import AurlError
from aurl.system.progress import log

UNREADABLE = (EOFError, ValueError, OSError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


class WordVectors(dict[str, np.ndarray]):
    """Word -> float32 (vector_size,)."""

    def __init__(self, vector_size: int) -> None:
        super().__init__()
        self.vector_size = vector_size


def load_vectors(path: Path, dimension: int, words: Collection[str] | None = None) -> WordVectors:
    """Read the vectors of some words, or of all. The contents decide about the format, not the file's name.

    The whole file is checked, whatever words are asked for. Of a word that the file lists twice, the first vector
    counts. Words that are not UTF-8 are passed over, since no class name has one.

    Raises:
        AurlError: the file is missing, damaged, cut short or of another format, or its vectors have another
            dimension.
    """
    if not path.is_file():
        raise AurlError(f"{path}: no such vectors file; check semantics.encoder.vectors")
    chosen = _ChosenRows(WordVectors(dimension), None if words is None else set(words))
    try:
        with unpacked(path, dimension) as stream:
            form = detect(stream.read(STRIDE))
        _check_dimension(path, form, dimension)
        _check_size(path, form)
        with unpacked(path, dimension) as stream:
            for row in rows(stream, form):
                chosen.add(row)
        chosen.check(form)
    except UNREADABLE as error:
        raise _unusable(path, error) from None
    for note in chosen.notes(form):
        log(f"{path}: {note}")
    return chosen.vectors


def _unusable(path: Path, error: Exception) -> AurlError:
    reason = " ".join(str(error).split())
    if isinstance(error, FormatError) and error.mend:
        return AurlError(f"{path}: {reason}; {error.mend}, or fetch the file again")
    if not isinstance(error, FormatError):
        reason = f"{type(error).__name__}: {reason}"
    return AurlError(f"{path}: damaged or cut short ({reason}); fetch the file again")


def _check_dimension(path: Path, form: Form, dimension: int) -> None:
    if form.dimension not in (form.stated, dimension):
        raise FormatError(
            f"line {form.first_line}: {form.dimension} numbers, but the header says {form.stated}",
            f"correct the header to '{form.count} {form.dimension}'",
        )
    if form.dimension != dimension:
        raise AurlError(
            f"{path}: the vectors have {form.dimension} dimensions, semantics.encoder.dimension says {dimension}"
        )


def _check_size(path: Path, form: Form) -> None:
    """Refuse a header that claims more than the file can hold, before the file is read. Raises: FormatError."""
    if form.count is None or is_packed(path):
        return
    left = path.stat().st_size - form.start
    if (form.count - 1) * (form.dimension * (4 if form.binary else 2) + 1) > left:
        raise FormatError(
            f"{form.count} vectors of {form.dimension} dimensions do not fit the {left} bytes that follow"
        )


@dataclass
class _ChosenRows:
    """The vectors that are asked for, and what a user should know about the other rows."""

    vectors: WordVectors
    words: set[str] | None
    rows: int = 0
    twice: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)  # places of words that are not UTF-8

    def add(self, row: Row) -> None:
        """Keep the vector of a row if its word is asked for, and count the row."""
        place, encoded, vector = row
        self.rows += 1
        try:
            word = encoded.decode()
        except UnicodeDecodeError:
            self.strange.append(f"{place}, {encoded[:60]!r}")
            return
        if self.words is None or word in self.words:
            if word in self.vectors:
                self.twice.append(word)
            self.vectors.setdefault(word, vector)

    def check(self, form: Form) -> None:
        """Allow a header that is wrong by one, as some writers leave it. Raises: FormatError."""
        if not self.rows:
            raise FormatError("it holds no vector")
        if form.count is not None and abs(self.rows - form.count) > 1:
            more = self.rows > form.count
            correct = f"correct the header to '{self.rows} {form.dimension}' if it is whole"
            raise FormatError(
                f"the header says {form.count} vectors of {form.dimension} dimensions, which do not fit the"
                f" {self.rows}{' or more' if more else ''} that follow",
                None if more or form.binary else correct,
            )
        if 2 * len(self.strange) >= self.rows:
            raise FormatError(
                f"damaged or in another encoding: {len(self.strange)} of {self.rows} words are not UTF-8"
                f" (the first: {self.strange[0]})",
                "convert it to UTF-8 ('iconv -f latin1 -t UTF-8', with its encoding)",
            )

    def notes(self, form: Form) -> list[str]:
        """Word what was not quite as it should be."""
        notes = []
        if form.count is not None and (self.rows, form.dimension) != (form.count, form.stated):
            notes.append(
                f"the header says {form.count} vectors of {form.stated} dimensions; all {self.rows} of"
                f" {form.dimension} were read"
            )
        if self.strange:
            notes.append(f"passed over {len(self.strange)} words that are not UTF-8 (the first: {self.strange[0]})")
        if self.twice:
            shown = ", ".join(self.twice[:10])
            notes.append(f"{len(self.twice)} words are listed twice ({shown}); the first vector of each was taken")
        return notes

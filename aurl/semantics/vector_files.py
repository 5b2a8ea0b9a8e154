"""Read files of word vectors row by row: word2vec binary, word2vec text and GloVe text, plain or packed.

The contents decide what a file is, never its name. A stream is read once and never kept: neither a header that claims
too much nor a small file that unpacks to a large one takes memory.
"""

import bz2
import gzip
import io
import itertools
import lzma
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

LONGEST_HEADER = 100  # bytes
LONGEST_WORD, LONGEST_NUMBER = 1000, 32  # bytes
STRIDE = 2**20  # bytes; so many hold the end of a word or a line, whatever the dimension
LARGEST = 1e10  # no word vector has larger values; displaced bytes have

NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf(inity)?)", re.IGNORECASE)
NO_TEXT = re.compile(rb"[\0-\x08\x0e-\x1f\x7f]")
MARK = b"\xef\xbb\xbf"  # byte order mark of UTF-8
PACKED: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
ZIP = b"PK\x03\x04"
AS_WORD2VEC = "save it in word2vec's format (gensim: KeyedVectors.load(...).save_word2vec_format(...))"
FOREIGN = {  # first bytes -> what the file is, and how to convert it
    b"\xff\xfe": ("text in UTF-16", "convert it ('iconv -f UTF-16 -t UTF-8')"),
    b"\xfe\xff": ("text in UTF-16", "convert it ('iconv -f UTF-16 -t UTF-8')"),
    b"\xba\x16\x4f\x2f": ("a model of fastText", "use the text file (.vec) of the same release"),
    b"\x80": ("a Python pickle, as gensim's own files are", AS_WORD2VEC),
    b"\x93NUMPY": ("an array of numpy", "give the file that holds the words too"),
    b"\x89HDF": ("an HDF5 file", "write its words and vectors as text"),
    b"version https://git-lfs": ("only a pointer of Git LFS", "get the file itself ('git lfs pull')"),
    b"\x28\xb5\x2f\xfd": ("packed by zstd", "unpack it ('zstd -d')"),
    b"7z\xbc\xaf": ("packed by 7-Zip", "unpack it"),
}


class FormatError(ValueError):
    """The contents are not word vectors: the fault and its place, and how to mend or convert the file.

    Without `mend` the file is damaged, and only another copy helps.
    """

    def __init__(self, fault: str, mend: str | None = None) -> None:
        super().__init__(fault)
        self.mend = mend


@dataclass(frozen=True)
class Form:
    """Describe how a file holds its vectors.

    Attributes:
        start: bytes before the first row: byte order mark and header.
        first_line: number of the first row's line.
        count: the number of rows that the header claims; None without a header.
        stated: the dimension that the header claims; that of the rows without a header.
    """

    binary: bool
    dimension: int
    stated: int
    count: int | None
    start: int
    first_line: int


Row = tuple[str, bytes, np.ndarray]  # place, word, float32 (dimension,)


@contextmanager
def unpacked(path: Path, dimension: int) -> Iterator[IO[bytes]]:
    """Open a file, unpacked where its first bytes say that it is packed (gzip, bzip2, xz, zip).

    Args:
        dimension: of several files in a zip archive (GloVe's releases), the one of this dimension is read.
    Raises: FormatError, OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile; reading does, too.
    """
    first = _first_bytes(path)
    if first.startswith(ZIP):
        with zipfile.ZipFile(path) as archive, archive.open(_member(archive, dimension)) as member:
            yield member
        return
    opener: Callable[..., Any] = next(
        (opener for magic, opener in PACKED.items() if first.startswith(magic)), io.FileIO
    )
    with opener(path, "rb") as raw, io.BufferedReader(raw, STRIDE) as stream:
        yield stream


def is_packed(path: Path) -> bool:
    """Check whether `unpacked` unpacks a file. Raises: OSError."""
    return _first_bytes(path).startswith((ZIP, *PACKED))


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as plain:
        return plain.read(8)


def _member(archive: zipfile.ZipFile, dimension: int) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > 1:
        members = [member for member in members if _dimension_of(archive, member) == dimension]
    if len(members) != 1:
        raise FormatError(
            f"the archive holds {len(members)} files of {dimension} dimensions", "unpack it and give one of its files"
        )
    return members[0]


def _dimension_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    with archive.open(member) as stream:
        try:
            return detect(stream.read(STRIDE)).dimension
        except FormatError:
            return 0


def detect(head: bytes) -> Form:
    """Tell the format from a file's first bytes (STRIDE of them, or all). Raises: FormatError."""
    for magic, (what, mend) in FOREIGN.items():
        if head.startswith(magic):
            raise FormatError(f"it is {what}", mend)
    start = len(MARK) if head.startswith(MARK) else 0
    line = head[start:].partition(b"\n")[0]
    fields = line.split() if len(line) <= LONGEST_HEADER else []
    if len(fields) != 2 or not all(field.isdigit() for field in fields):
        dimensions = _dimensions(head[start:])
        if not dimensions or NO_TEXT.search(line) or (len(fields) == 2 and all(map(NUMBER.fullmatch, fields))):
            raise _no_vectors(line)
        dimension = dimensions.most_common(1)[0][0]
        return Form(False, dimension, dimension, None, start, 1)
    count, stated = map(int, fields)
    if not count or not stated:
        raise _no_vectors(line)
    start += len(line) + 1
    body = head[start:]
    if _is_binary(body, stated):
        return Form(True, stated, stated, count, start, 2)
    dimensions = _dimensions(body)
    dimension = stated if stated in dimensions or not dimensions else dimensions.most_common(1)[0][0]
    return Form(False, dimension, stated, count, start, 2)


def _no_vectors(line: bytes) -> FormatError:
    return FormatError(
        "it does not begin with a number of words and of dimensions, as word2vec files do, nor with a word and its"
        f" numbers, as GloVe files do, but with {line[:60].decode(errors='replace')!r}"
    )


def _is_binary(body: bytes, dimension: int) -> bool:
    """Tell numbers in binary from text, by bytes that text does not have and a first line that is no row of text."""
    return (bool(NO_TEXT.search(body)) or not _is_utf8(body)) and numbers(body.partition(b"\n")[0]) != dimension


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return len(body) - error.start < 4 and len(body) >= STRIDE - LONGEST_HEADER  # a letter at the end is cut
    return True


def _dimensions(body: bytes) -> Counter[int]:
    """Count how many lines hold how many numbers; without the last line, which may be cut, if there are others."""
    lines = body.split(b"\n")
    counts = Counter(numbers(line) for line in (lines[:-1] if len(lines) > 1 else lines))
    del counts[0]
    return counts


def numbers(line: bytes) -> int:
    """Count the numbers at the end of a line, whose first field is a word whatever it is."""
    fields = line.split()
    trailing = next((place for place, field in enumerate(reversed(fields)) if not NUMBER.fullmatch(field)), len(fields))
    return max(0, min(trailing, len(fields) - 1))


def rows(stream: IO[bytes], form: Form) -> Iterator[Row]:
    """Yield the place, the word and the vector of every row, at most two more than the header claims.

    Raises: FormatError, which names the place.
    """
    stream.read(form.start)
    every_row = _binary_rows(stream, form.dimension) if form.binary else _text_rows(stream, form)
    yield from every_row if form.count is None else itertools.islice(every_row, form.count + 2)


def _text_rows(stream: IO[bytes], form: Form) -> Iterator[Row]:
    limit = form.dimension * LONGEST_NUMBER + LONGEST_WORD
    lines = iter(lambda: stream.readline(limit + 1), b"")
    for number, line in enumerate(lines, form.first_line):
        if len(line) > limit:
            raise FormatError(f"line {number}: no word or line ends within {limit} bytes")
        if line.strip():
            yield _text_row(line, f"line {number}", form.dimension)


def _text_row(line: bytes, place: str, dimension: int) -> Row:
    """Split at the last blanks, because words of GloVe hold blanks themselves (glove.840B: ". . .")."""
    fields = line.rsplit(None, dimension)
    if len(fields) == dimension and line[:1].isspace():
        fields = [b"", *fields]  # the word is a blank, and no class name has it
    word, values = fields[0].strip(), fields[1:]
    number_in_word = any(map(NUMBER.fullmatch, word.split()[1:]))  # or it belongs to the vector: nobody knows
    if len(values) < dimension or number_in_word or b"_" in line[len(fields[0]) :]:  # Python reads 1_0 as 10
        raise _wrong_line(line, place, dimension)
    try:
        vector = np.array([*map(float, values)])
    except ValueError:
        raise _wrong_line(line, place, dimension) from None
    with np.errstate(over="ignore"):  # `_checked` refuses infinity
        return place, word, _checked(vector.astype(np.float32), word, place)


def _wrong_line(line: bytes, place: str, dimension: int) -> FormatError:
    wrong = next((field for field in line.split()[1:] if not NUMBER.fullmatch(field)), None)
    fault = "" if wrong is None else f" ({wrong[:30].decode(errors='replace')!r} is no number)"
    fault = f"{place} is damaged: {numbers(line)} numbers instead of {dimension}{fault}"
    if not line.endswith(b"\n"):
        return FormatError(f"{fault}, and the line has no end")
    commas = wrong is not None and re.fullmatch(rb"[+-]?\d+,\d+", wrong)
    return FormatError(fault, "write decimal points instead of commas" if commas else f"correct {place}")


def _binary_rows(stream: IO[bytes], dimension: int) -> Iterator[Row]:
    size, rest, ended = 4 * dimension, b"", False
    number = itertools.count(1)
    while not ended:
        more = stream.read(max(STRIDE, size))
        rest, at, ended = rest + more, 0, not more
        while ended or len(rest) - at >= LONGEST_WORD + size + 3:
            while rest[at : at + 1] in (b"\r", b"\n"):  # word2vec.c ends each row so
                at += 1
            if at == len(rest):
                break
            at, row = _binary_row(rest, at, size, f"word {next(number)}")
            yield row
        rest = rest[at:]


def _binary_row(rest: bytes, at: int, size: int, place: str) -> tuple[int, Row]:
    """Cut one row out of the bytes, and return where it ends."""
    end = rest.find(b" ", at, at + LONGEST_WORD + 1)
    if end < 0 and len(rest) - at > LONGEST_WORD:
        raise FormatError(f"{place}: no word or line ends within {LONGEST_WORD} bytes")
    word, values = rest[at:end], rest[end + 1 : end + 1 + size]
    if end < 0 or len(values) < size:
        raise FormatError(f"{place}: the file ends within it")
    vector = _checked(np.frombuffer(values, "<f4").astype(np.float32), word, place)
    if any(byte in word for byte in (b"\n", b"\t", b"\0")) or np.abs(vector).max() > LARGEST:
        raise FormatError(
            f"{place}: no word and its vector, but displaced bytes: this word or one before it holds a blank, or the"
            " vectors have another dimension than the header says",
            "write the file without blanks in words",
        )
    return end + 1 + size, (place, word, vector)


def _checked(vector: np.ndarray, word: bytes, place: str) -> np.ndarray:
    if not np.isfinite(vector).all():
        name = word[:60].decode(errors="replace")
        raise FormatError(f"{place}: the vector of {name!r} holds values that are not finite")
    return vector

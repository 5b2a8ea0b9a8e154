"""Writes files of word vectors as their tools do, and as people spoil them."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile
from collections.abc import Sequence

import numpy as np

WORDS = (b"red", b"circle", b"2008", b"caf\xc3\xa9", b"inf", b"jump")


def values(number: int, dimension: int, seed: int = 0) -> np.ndarray:
    """Random vectors of a known file, float32 (number, dimension)."""
    return np.random.default_rng(seed).normal(0, 0.3, (number, dimension)).astype(np.float32)


def binary(
    words: Sequence[bytes], rows: np.ndarray, header: str | None = None, end: bytes = b"\n", number: str = "<f4"
) -> bytes:
    """As word2vec.c writes them; gensim leaves out `end`."""
    body = b"".join(word + b" " + row.astype(number).tobytes() + end for word, row in zip(words, rows, strict=True))
    return (header or f"{len(words)} {rows.shape[1]}\n").encode() + body


def text(
    words: Sequence[bytes], rows: np.ndarray, header: str | None = None, blank: bytes = b" ", end: bytes = b"\n",
    style: str = "{:.9g}",
) -> bytes:  # fmt: skip
    """As word2vec.c and GloVe write them; `header` "" leaves it out."""
    lines = [
        blank.join([word, *(style.format(x).encode() for x in row)]) for word, row in zip(words, rows, strict=True)
    ]
    first = f"{len(words)} {rows.shape[1]}" if header is None else header
    return b"".join(line + end for line in ([first.encode()] if first else []) + lines)


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive, as the releases of GloVe are."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


D = 8
ROWS = values(len(WORDS), D)
TEXT, GLOVE, BINARY = text(WORDS, ROWS), text(WORDS, ROWS, header=""), binary(WORDS, ROWS)
SPACED = (b". . .", b"at name@domain.com", b"to  name@domain.com")
MANY = tuple(f"w{number}".encode() for number in range(300))

# what `WORDS` must be read from, with the vectors `ROWS`
READABLE = {
    "binary of word2vec.c": BINARY,
    "binary of gensim": binary(WORDS, ROWS, end=b""),
    "binary, line ends of Windows": binary(WORDS, ROWS, header=f"6 {D}\r\n", end=b"\r\n"),
    "binary, gzip": gzip.compress(BINARY),
    "binary, bzip2": bz2.compress(BINARY),
    "binary, xz": lzma.compress(BINARY),
    "binary, gzip in two parts": gzip.compress(BINARY[:50]) + gzip.compress(BINARY[50:]),
    "binary with words that are not UTF-8": binary((*WORDS, b"caf\xe9", b"na\xc3"), values(8, D)),
    "binary, one word fewer than its header says": binary(WORDS, ROWS, header=f"7 {D}\n"),
    "binary, one word more than its header says": binary(WORDS, ROWS, header=f"5 {D}\n"),
    "binary after a byte order mark": b"\xef\xbb\xbf" + BINARY,
    "binary with </s> first": binary((b"</s>", *WORDS), np.concatenate([np.zeros((1, D), np.float32), ROWS])),
    "text": TEXT,
    "text, gzip": gzip.compress(TEXT),
    "text, zip": zipped({"vectors.txt": TEXT}),
    "text, line ends of Windows": text(WORDS, ROWS, end=b"\r\n"),
    "text, tabs": text(WORDS, ROWS, blank=b"\t"),
    "text, a tab behind the word": text([word + b"\t" for word in WORDS], ROWS).replace(b"\t ", b"\t"),
    "text, header with tabs": text(WORDS, ROWS, header=f" 6\t{D} "),
    "text, blanks at line ends": text(WORDS, ROWS, end=b" \n"),
    "text, empty lines": TEXT + b"\n\n",
    "text, no end of the last line": TEXT[:-1],
    "text after a byte order mark": b"\xef\xbb\xbf" + TEXT,
    "text with exponents": text(WORDS, ROWS, style="{:.8e}"),
    "text with signs and capitals": text(WORDS, ROWS, style="{:+.8E}"),
    "text, one word fewer than its header says": text(WORDS, ROWS, header=f"7 {D}"),
    "text, one word more than its header says": text(WORDS, ROWS, header=f"5 {D}"),
    "text, one dimension more in its header": text(WORDS, ROWS, header=f"6 {D + 1}"),
    "text, one dimension fewer in its header": text(WORDS, ROWS, header=f"6 {D - 1}"),
    "text with words that hold blanks": text((*WORDS, *SPACED), values(9, D)),
    "text with a word of blanks": text((*WORDS, b" ", b"\xc2\xa0", b"\xc2\x85"), values(9, D)),
    "text with words that are not UTF-8": text((*WORDS, b"caf\xe9", b"na\xc3"), values(8, D)),
    "text with a control character in a word": text((*WORDS, b"a\x01b", b"a\x0bb"), values(8, D)),
    "text with words twice": text((*WORDS, b"red", b"jump"), values(8, D)),
    "GloVe": GLOVE,
    "GloVe, gzip": gzip.compress(GLOVE),
    "GloVe, a release of several": zipped(
        {"g.4d.txt": text(WORDS, ROWS[:, :4], ""), "g.8d.txt": GLOVE, "g.12d.txt": text(WORDS, values(6, 12), "")}
    ),
    "GloVe after a byte order mark": b"\xef\xbb\xbf" + GLOVE,
    "GloVe, line ends of Windows": text(WORDS, ROWS, header="", end=b"\r\n"),
    "GloVe with words that hold blanks": text((*SPACED, *WORDS), np.concatenate([ROWS[:3], ROWS]), header=""),
    "GloVe that begins with a number": text((b"2008", *WORDS), np.concatenate([ROWS[2:3], ROWS]), header=""),
    "GloVe with many words": text((*WORDS, *MANY), np.concatenate([ROWS, values(300, D, seed=1)]), header=""),
}  # fmt: skip

# what is refused -> the words of the message that name line, fault and conversion
FAULTS = {
    "UTF-16": (TEXT.decode().encode("utf-16"), r"UTF-16; convert it \('iconv"),
    "another encoding": (text([b"\xe9", b"\xe8t\xe9"], values(2, D)), r"not UTF-8 \(the first: line 2.*iconv"),
    "commas for points": (TEXT.replace(b".", b","), r"line 2 is damaged.*',?-?\+?0,\d+' is no number.*decimal points"),
    "one line short": (text(WORDS, ROWS) + b"word 1 2 3\n", "line 8 is damaged: 3 numbers instead of 8.*correct line 8"),
    "one number too many": (text((*WORDS, b"new 5"), values(7, D)), "line 8 is damaged: 9 numbers instead of 8"),
    "a word among the numbers": (TEXT.replace(b"circle ", b"circle 1 x "), "line 3 is damaged"),
    "cut within a line": (GLOVE[:-30], "damaged or cut short.*line 6.*the line has no end"),
    "two words fewer than its header says": (text(WORDS, ROWS, f"8 {D}"), f"8 vectors.*correct the header to '6 {D}'"),
    "two words more than its header says": (text(WORDS, ROWS, f"4 {D}"), "4 vectors of 8 dimensions.* fit the 6"),
    "binary, two words fewer": (binary(WORDS, ROWS, f"8 {D}\n"), "damaged or cut short.*8 vectors of 8 dimensions"),
    "binary, a blank in a word": (binary((b"New York", *WORDS), values(7, D)), "word 1: .*a blank.*without blanks"),
    "binary, float64": (binary(WORDS, ROWS, number="<f8"), "word 1: .*another dimension"),
    "binary, cut": (BINARY[:-9], "damaged or cut short"),
    "binary, cut, gzip": (gzip.compress(BINARY[:-9]), r"damaged or cut short \(word 6: the file ends within it"),
    "gzip, cut": (gzip.compress(TEXT)[:-20], "damaged or cut short.*EOFError"),
    "a model of fastText": (struct.pack("<i", 793712314) + bytes(100), r"fastText; use the text file \(.vec\)"),
    "a pickle": (b"\x80\x04\x95" + bytes(20), "pickle, as gensim's own files are; save it in word2vec's format"),
    "a pointer of Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "an archive without this dimension": (zipped({"a.txt": text(WORDS, values(6, 4)), "b.txt": b"read me\n"}),
                                          "holds 0 files of 8 dimensions; unpack it"),
    "a damaged archive": (zipped({"a.txt": TEXT})[:-30], "damaged or cut short.*BadZipFile"),
    "other text": (b"class,tokens\nred circle,red circle\n", "does not begin .*, but with 'class,tokens'"),
    "words alone": (b"\n".join(WORDS) + b"\n", "does not begin"),
    "nothing but a header": (f"1 {D}\n".encode(), "holds no vector"),
    "other dimensions": (text(WORDS, values(6, 4)), "have 4 dimensions, semantics.encoder.dimension says 8"),
    "GloVe of other dimensions": (text(WORDS, values(6, 50), ""), "have 50 dimensions"),
    "more dimensions than are asked for": (text(WORDS, values(6, 9), "6 12"), "line 2: 9 numbers, but the header says 12"),
}  # fmt: skip

"""Files of word vectors: every format that people have, under any name, and every fault with its place."""

from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors

from aurl.semantics.vectors import load_vectors
from aurl.system.errors import AurlError
from tests.helpers.word_vectors import BINARY, FAULTS, READABLE, ROWS, TEXT, WORDS, D, binary, text, values

NAMES = ("v.bin", "v.txt", "v.gz", "word2vec-google-news-300")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", READABLE)
def test_every_format_is_read_under_any_name(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(READABLE[kind])
    vectors = load_vectors(path, D)
    for word, row in zip(WORDS, ROWS, strict=True):
        np.testing.assert_array_equal(vectors[word.decode()], row, err_msg=repr(word))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_is_named_in_one_line(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    content, words = FAULTS[kind]
    path.write_bytes(content)
    with pytest.raises(AurlError, match=words) as caught:
        load_vectors(path, D)
    text_of = str(caught.value)
    assert text_of.startswith(f"{path}: ")
    assert "\n" not in text_of
    assert len(text_of) < 500


def test_words_with_blanks_keep_them(tmp_path: Path) -> None:
    path = tmp_path / "glove.840B.300d.txt"
    path.write_bytes(READABLE["GloVe with words that hold blanks"])
    vectors = load_vectors(path, D)
    np.testing.assert_array_equal(vectors[". . ."], ROWS[0])
    assert set(vectors) >= {"at name@domain.com", "to  name@domain.com"}


@pytest.mark.parametrize("content", [BINARY, TEXT], ids=["binary", "text"])
def test_values_are_those_of_gensim(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vectors"
    path.write_bytes(content)
    theirs = KeyedVectors.load_word2vec_format(str(path), binary=content == BINARY)
    ours = load_vectors(path, D)
    assert list(ours) == theirs.index_to_key
    np.testing.assert_array_equal(np.stack(list(ours.values())), theirs.vectors)


def test_only_the_words_that_are_asked_for_are_kept_and_the_first_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(text((*WORDS, b"red", b"jump"), np.concatenate([ROWS, values(2, D, seed=1)])))
    vectors = load_vectors(path, D, {"red", "unknown"})
    assert list(vectors) == ["red"]
    np.testing.assert_array_equal(vectors["red"], ROWS[0])
    assert "1 words are listed twice (red)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("binary with words that are not UTF-8", r"passed over 2 words that are not UTF-8 (the first: word 7, b'caf\xe9')"),
        ("text, one word fewer than its header says", "the header says 7 vectors of 8 dimensions; all 6 of 8 were read"),
        ("text, one dimension more in its header", "the header says 6 vectors of 9 dimensions; all 6 of 8 were read"),
    ],
)  # fmt: skip
def test_what_was_not_quite_right_is_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, line: str
) -> None:
    path = tmp_path / "v"
    path.write_bytes(READABLE[kind])
    load_vectors(path, D)
    assert line in capsys.readouterr().err


def test_a_fault_in_a_word_that_nobody_asks_for_is_found(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(TEXT.replace(b"jump 0", b"jump x").replace(b"jump -", b"jump x"))
    with pytest.raises(AurlError, match="line 7 is damaged"):
        load_vectors(path, D, {"red"})


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_long_binary_files_are_read_to_their_end(tmp_path: Path, end: bytes) -> None:
    """Rows lie across the borders of what is read at once."""
    words = [b"w" * (number % 50 + 1) + b"_%d" % number for number in range(3000)]
    rows = values(3000, 300)
    path = tmp_path / "v"
    path.write_bytes(binary(words, rows, end=end))
    vectors = load_vectors(path, 300)
    assert list(vectors) == [word.decode() for word in words]
    np.testing.assert_array_equal(np.stack(list(vectors.values())), rows)

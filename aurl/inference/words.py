"""Turn any class names into embeddings; say which words are read otherwise, and which are not known."""

import difflib
from pathlib import Path

import numpy as np

from aurl.experiment.parts import FROM_NAMES
from aurl.experiment.settings import EncoderSettings
from aurl.semantics.classes import ClassEmbeddings, equal_classes, list_equal
from aurl.semantics.embedding import check_embeddings
from aurl.semantics.encoders.base import first_file, load_encoder
from aurl.semantics.vectors import load_vectors
from aurl.system.errors import AurlError
from aurl.system.progress import log

LISTED = 100  # unknown words in an error
MOST_BYTES = 64 << 20  # of a file of vectors whose words are searched for near ones
NEAR = 3


def embed_classes(
    classes: list[str], encoder: EncoderSettings, tokens: str = "words", fallback: bool = False
) -> np.ndarray:
    """Embed class names in their order: float32 (classes, dimension).

    Args:
        tokens: `words` or `lemmas`, for encoders of words, see `class_tokens`.
        fallback: read a name with an unknown word in the other of these two ways, and log it.
    Raises: AurlError for unknown words, with the nearest known ones.
    """
    encode = load_encoder(encoder).encode
    embeddings: ClassEmbeddings = encode(classes, tokens, encoder)
    if embeddings.dropped and fallback and tokens in FROM_NAMES:
        (other,) = {*FROM_NAMES} - {tokens}
        second: ClassEmbeddings = encode(sorted(embeddings.dropped), other, encoder)
        for name, words in second.texts.items():
            unknown = _quoted(embeddings.dropped[name])
            log(f"'{name}' is read as '{' '.join(words)}' ({other}): the vectors do not know {unknown}")
        embeddings = _merged(embeddings, second)
    if embeddings.dropped:
        raise AurlError(_unknown_words(embeddings.dropped, encoder, tokens, fallback))
    check_embeddings(embeddings, encoder, "the given classes")
    if groups := equal_classes(embeddings):
        log(f"classes with equal words, which no video tells apart: {list_equal(groups)}")
    rows = {name: row for row, name in enumerate(embeddings.classes)}
    return np.asarray(embeddings.vectors[[rows[name] for name in classes]])


def _merged(first: ClassEmbeddings, second: ClassEmbeddings) -> ClassEmbeddings:
    """Add the classes of `second` to those of `first`; what both dropped stays dropped, with the first's words."""
    rows = dict(zip(first.classes, first.vectors, strict=True)) | dict(zip(second.classes, second.vectors, strict=True))
    classes = sorted(rows)
    vectors = np.stack([rows[name] for name in classes]) if classes else first.vectors
    dropped = {name: words for name, words in first.dropped.items() if name in second.dropped}
    return ClassEmbeddings(classes, vectors, first.texts | second.texts, dropped)


def known_words(encoder: EncoderSettings) -> list[str]:
    """List all words of an experiment's vectors, sorted. Raises: AurlError for an encoder without vectors."""
    vectors = getattr(encoder, "vectors", None)
    if vectors is None:
        raise AurlError(f"--list-words: the text encoder {encoder.name} has no list of words; it takes any text")
    return sorted(load_vectors(Path(vectors), encoder.dimension))


def _unknown_words(unknown: dict[str, list[str]], encoder: EncoderSettings, tokens: str, fallback: bool) -> str:
    """Name unknown words and the nearest known ones, and say what to do."""
    words = sorted({word for own in unknown.values() for word in own})
    more = f" and {len(words) - LISTED} more words" if len(words) > LISTED else ""
    near = _nearest(words, encoder)
    way = "" if fallback or tokens != "words" else "--tokens lemmas (verbs in their base form), "
    return (
        f"{first_file(encoder)}: does not know {_quoted(words[:LISTED])}{more}; {near}use other words"
        f" ('aurl predict --list-words' lists them), {way}or --vectors with a larger file (the shipped one is a small part"
        " of GoogleNews-vectors-negative300.bin)"
    )


def _nearest(words: list[str], encoder: EncoderSettings) -> str:
    """Name the known words that are spelt most like the unknown ones; empty where the file is large."""
    vectors = getattr(encoder, "vectors", None)
    if vectors is None or Path(vectors).stat().st_size > MOST_BYTES:
        return ""
    known = known_words(encoder)
    near = {word: difflib.get_close_matches(word, known, n=NEAR) for word in words[:NEAR]}
    listed = [f"near '{word}': {_quoted(own)}" for word, own in near.items() if own]
    return f"{'; '.join(listed)}; " if listed else ""


def _quoted(words: list[str]) -> str:
    return ", ".join(map(repr, words))

"""c(y) as the mean of the unit word vectors of a class name's tokens (released code).

c(y) = 1/n sum_i v(t_i) / |v(t_i)| over the n tokens of y. The mean is not scaled to unit length again. A word is never
skipped: a class with a word outside the vocabulary has no embedding.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from aurl.semantics.encoders.base import TOKEN_FILES, EncoderSettings

if TYPE_CHECKING:
    import numpy as np

    from aurl.semantics.classes import ClassEmbeddings
    from aurl.semantics.vectors import WordVectors


class Settings(EncoderSettings):
    """Word vectors from a file of word2vec or GloVe, plain or packed; its contents say which.

    `missing` decides about a class with a word that the vectors do not know.
    """

    name: Annotated[Literal["word2vec"], Field(description="the file of the part")]
    vectors: Annotated[str, Field(description="the file of word vectors")]


def inputs(settings: Settings) -> dict[str, Path]:
    """List the vectors, and the files that class names become tokens with."""
    return {"vectors": Path(settings.vectors), **TOKEN_FILES}


def encode(classes: list[str], tokens: str, settings: Settings) -> "ClassEmbeddings":
    """Embed class names by their tokens. Raises: AurlError for an unusable file, or a name without words."""
    from aurl.semantics.tokens import class_tokens
    from aurl.semantics.vectors import load_vectors

    words = class_tokens(classes, tokens)
    needed = {word for of_class in words.values() for word in of_class}
    return embed_tokens(words, load_vectors(Path(settings.vectors), settings.dimension, needed))


def embed_tokens(tokens: dict[str, list[str]], vectors: "WordVectors") -> "ClassEmbeddings":
    """Embed every class whose tokens all have a vector, and list the unknown words of the others."""
    import numpy as np

    from aurl.semantics.classes import ClassEmbeddings

    unknown = {name: [word for word in words if word not in vectors] for name, words in sorted(tokens.items())}
    classes = [name for name, words in unknown.items() if not words]
    rows = [class_embedding(tokens[name], vectors) for name in classes]
    return ClassEmbeddings(
        classes,
        np.stack(rows) if rows else np.empty((0, vectors.vector_size), np.float32),
        {name: tokens[name] for name in classes},
        {name: words for name, words in unknown.items() if words},
        {
            word: vectors[word].astype(np.float32)
            for word in sorted({word for name in classes for word in tokens[name]})
        },
    )


def class_embedding(tokens: list[str], vectors: "WordVectors") -> "np.ndarray":
    """Average the tokens' vectors, each scaled to unit length first: float32 (dimension,)."""
    import numpy as np

    rows = np.stack([vectors[token] for token in tokens]).astype(np.float64)
    with np.errstate(invalid="ignore"):  # a vector of zeros gives NaN, which `check_embeddings` refuses
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).mean(axis=0).astype(np.float32)

"""Read the object scores that a user brings for the method `object_scores`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aurl.evaluation.test_sets import TestSet
from aurl.experiment.external import ScoreFileSettings
from aurl.methods.base import ClassSet
from aurl.scoring.formats.base import ANY_SIZE, read_file
from aurl.semantics.encoders.word2vec import embed_tokens
from aurl.semantics.tokens import words
from aurl.semantics.vectors import load_vectors
from aurl.system.errors import AurlError
from aurl.system.files import check_declared

NO_TEST_SET = TestSet("objects", "objects", (), (), np.empty(0, np.int64), np.empty((0, 3), np.int8), ())


def object_words(names: Sequence[str], vectors: ScoreFileSettings, dimension: int) -> ClassSet:
    """Embed objects by the words of their names; those with an unknown word are left out.

    Args:
        vectors: a file of word vectors. dimension: e of the class embeddings.
    Raises: AurlError for an unusable file, or if no object is left.
    """
    path = checked(vectors, "word vectors")
    tokens = {name: words(name) for name in names if words(name)}
    known = load_vectors(path, dimension, {word for of_name in tokens.values() for word in of_name})
    embedded = embed_tokens(tokens, known)
    if not embedded.classes:
        raise AurlError(f"{path}: no object has a name whose words are all known; give vectors of the objects' words")
    return ClassSet(embedded.classes, torch.from_numpy(embedded.vectors))


def objects_of(settings: Any, dimension: int) -> ClassSet:
    """Give the objects that count for a method with the settings `files` and `vectors`. Raises: AurlError."""
    first = next(iter(settings.files.values()))
    return object_words(read_objects(first)[1], settings.vectors, dimension)


def videos_of(settings: Any, dataset: str, paths: Sequence[str], features: Tensor, dimension: int) -> Tensor:
    """Give what a method scores: features (n, clips, d), or object scores (n, 1, objects).

    Raises: AurlError if the dataset has no file.
    """
    files = getattr(settings, "files", None)
    if not files:
        return features
    if dataset not in files:
        raise AurlError(f"methods: {settings.method}: files has no file of '{dataset}'; known: {', '.join(files)}")
    return scores_of(files[dataset], paths, objects_of(settings, dimension).names)


def read_objects(settings: ScoreFileSettings) -> tuple[list[str], list[str], Tensor]:
    """Read a file of object scores (docs/scoring.md): its objects are the file's classes.

    Returns: the names of videos and objects, and the scores, float32 (videos, objects).
    Raises: AurlError for a missing or unusable file, or another than the declared one.
    """
    path = checked(settings, "object scores")
    given = read_file(path, NO_TEST_SET, ANY_SIZE)
    if given.scores is None or given.videos is None:
        raise AurlError(f"{path}: object scores need 'scores', 'class' (the objects) and 'video' (docs/scoring.md)")
    return given.videos, given.classes, torch.from_numpy(np.asarray(given.scores, np.float32))


def scores_of(settings: ScoreFileSettings, paths: Sequence[str], objects: Sequence[str]) -> Tensor:
    """Give the object scores of videos in the place of features: float32 (n, 1, objects).

    Args:
        paths: of the videos, as in the manifest. objects: those that count, in their order.
    Raises: AurlError if a video or an object is not in the file.
    """
    videos, names, scores = read_objects(settings)
    rows, columns = ({name: number for number, name in enumerate(each)} for each in (videos, names))
    for listed, known in ((paths, rows), (objects, columns)):
        missing = [name for name in listed if name not in known]
        if missing:
            raise AurlError(f"{settings.file}: no scores of '{missing[0]}', and of {len(missing) - 1} more; add them")
    return scores[[rows[path] for path in paths]][:, [columns[name] for name in objects]][:, None]


def checked(settings: ScoreFileSettings, what: str) -> Path:
    """Check that a file is the declared one, and give its path. Raises: AurlError."""
    path = Path(settings.file)
    check_declared(path, settings.sha256, what, "bring it back", "sha256sum")
    return path

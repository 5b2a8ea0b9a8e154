"""Compare seen classes with test classes: equal names, names that differ in form, and near embeddings."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from aurl.datasets.class_names import spelling
from aurl.semantics.classes import ClassEmbeddings
from aurl.semantics.seen import cosine_distances
from aurl.semantics.tokens import STOP_WORDS, words
from aurl.semantics.wordnet import ENDINGS, Verbs

KINDS = ("exact", "spelling", "lemma")  # ways in which names are equal, from the strictest on


@dataclass(frozen=True)
class Pair:
    """Hold a seen class and a test class that are alike.

    Args:
        how: a kind of `KINDS`; or `tau`, with the distance 1 - cos of their embeddings.
    """

    seen: str
    unseen: str
    how: str
    distance: float | None = None


def equal_names(seen: Collection[str], unseen: Collection[str], verbs: Verbs) -> list[Pair]:
    """Pair the classes whose names are equal, each pair by the strictest kind.

    - `exact`: letter for letter.
    - `spelling`: but for letter case, underscores, blanks and camel case.
    - `lemma`: each word of one is a form of a word of the other, stop words aside: "riding a horse", "ride horse".
    """
    pairs: dict[tuple[str, str], Pair] = {}
    for how, key in (("exact", _exact), ("spelling", _spelt), ("lemma", lambda name: _stems(name, verbs))):
        by_key: dict[object, list[str]] = {}
        for name in seen:
            for part in key(name):
                by_key.setdefault(part, []).append(name)
        for name in unseen:
            for other in {other for part in key(name) for other in by_key.get(part, ())}:
                if how != "lemma" or _same_words(other, name, verbs):
                    pairs.setdefault((other, name), Pair(other, name, how))
    return sorted(pairs.values(), key=lambda pair: (KINDS.index(pair.how), pair.unseen, pair.seen))


def near_classes(seen: ClassEmbeddings, unseen: ClassEmbeddings, tau: float) -> list[Pair]:
    """Pair the classes whose embeddings are nearer than tau, as the strict-label filter compares; nearest first."""
    if tau <= 0 or not seen.classes or not unseen.classes:
        return []
    distances = cosine_distances(seen.vectors, unseen.vectors)
    pairs = [Pair(seen.classes[row], unseen.classes[column], "tau", max(0.0, float(distances[row, column])))
             for row, column in np.argwhere(distances < tau)]  # fmt: skip
    return sorted(pairs, key=lambda pair: (round(pair.distance or 0, 6), pair.unseen, pair.seen))


def select(embeddings: ClassEmbeddings, classes: Iterable[str]) -> ClassEmbeddings:
    """Keep some classes of embeddings."""
    chosen = set(classes)
    kept = [row for row, name in enumerate(embeddings.classes) if name in chosen]
    names = [embeddings.classes[row] for row in kept]
    return ClassEmbeddings(names, embeddings.vectors[kept], {name: embeddings.texts[name] for name in names}, {})


def _exact(name: str) -> list[str]:
    return [name]


def _spelt(name: str) -> list[str]:
    return [spelling(name).replace(" ", "")]


def _stems(name: str, verbs: Verbs) -> set[str]:
    """List the forms of a name's words: names without one in common are not compared further."""
    return {form for word in _content(name) for form in _forms(word, verbs)}


def _same_words(left: str, right: str, verbs: Verbs) -> bool:
    one, other = ([_forms(word, verbs) for word in _content(name)] for name in (left, right))
    return len(one) == len(other) and all(any(forms & others for others in other) for forms in one) and all(
        any(forms & others for others in one) for forms in other
    )  # fmt: skip


def _content(name: str) -> list[str]:
    own = words(name)
    return [word for word in own if word not in STOP_WORDS] or own


def _forms(word: str, verbs: Verbs) -> set[str]:
    """List the word with all verbs that it can be a form of."""
    endings = [word.removesuffix(ending) + base for ending, base in ENDINGS if word.endswith(ending)]
    return {word} | {form for form in (*verbs.exceptions.get(word, ()), *endings) if form in verbs.lemmas}

"""Compare two sides and report what they share: class names, near classes, equal files, YouTube ids."""

import json
import re
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from aurl.overlap.side import Side, read_side
from aurl.semantics.classes import ClassEmbeddings
from aurl.semantics.encoders.word2vec import embed_tokens
from aurl.semantics.overlap import KINDS, Pair, equal_names, near_classes
from aurl.semantics.tokens import words
from aurl.semantics.vectors import load_vectors
from aurl.semantics.wordnet import read_verbs
from aurl.system.errors import AurlError
from aurl.system.shipped import WORD_VECTORS, packaged

CARD_TAU = 0.05
WIDTH = 80
LISTED = 40  # lines of a section
WORDED = {"exact": "letter for letter", "spelling": "but for case, blanks, underscores",
          "lemma": "but for forms of words"}  # fmt: skip
WITH_TIMES = re.compile(r"([A-Za-z0-9_-]{11})_\d{6}_\d{6}")  # Kinetics: id, begin, end
WITH_V = re.compile(r"v_([A-Za-z0-9_-]{11})")  # ActivityNet
ALONE = re.compile(r"(?=.*[A-Z0-9])([A-Za-z0-9_-]{11})")  # a copy of Kinetics without times


@dataclass(frozen=True)
class Overlap:
    """Hold what two sides have in common.

    Args:
        names: pairs of classes, see `aurl.semantics.overlap`. near: those by tau; None without word vectors.
        unembedded: classes of either side with words that the vectors do not know.
        files: (video of the seen side, video of the other) with equal SHA-256; None where either has none.
        ids: YouTube id -> (video, video); None where either side's names carry none.
    """

    seen: Side
    unseen: Side
    tau: float
    names: list[Pair]
    near: list[Pair] | None
    unembedded: list[str]
    files: list[tuple[str, str]] | None
    ids: dict[str, tuple[str, str]] | None


def compare(seen: Side, unseen: Side, tau: float, vectors: Path | None = None, dimension: int = 300) -> Overlap:
    """Compare two sides. Raises: AurlError for unusable vectors."""
    verbs = read_verbs()
    names = equal_names(seen.classes, unseen.classes, verbs)
    near, unembedded = None, list[str]()
    if vectors is not None:
        one, other = _embed([seen, unseen], vectors, dimension)
        near, unembedded = near_classes(one, other, tau), [*one.dropped, *other.dropped]
    files = None
    if seen.digests and unseen.digests:
        files = [(path, unseen.digests[digest]) for digest, path in seen.digests.items() if digest in unseen.digests]
    mine, theirs = _ids(seen.videos), _ids(unseen.videos)
    ids = {key: (mine[key], theirs[key]) for key in mine if key in theirs} if mine and theirs else None
    return Overlap(seen, unseen, tau, names, near, unembedded, files, ids)


def card_facts(seen: str, test_set: str, params: Path) -> dict[str, object]:
    """Compare seen classes with a public test set, as a result card states it.

    tau is 0.05, by the word vectors that come with the package.
    Raises: AurlError for a name that `read_side` does not know.
    """
    overlap = compare(read_side(seen, params), read_side(test_set, params), CARD_TAU, packaged(WORD_VECTORS))
    return {
        "seen": {"origin": overlap.seen.origin, "classes": len(overlap.seen.classes)},
        "by_name": {pair.unseen: pair.seen for pair in overlap.names},
        "by_tau": {pair.unseen: pair.seen for pair in overlap.near or ()},
        "tau": CARD_TAU,
        "not_compared_by_tau": len(overlap.unembedded),
        "test_classes_like_no_seen_class": len(clean_classes(overlap)),
    }


def youtube_id(video: str) -> str | None:
    """Take the YouTube id out of a video's name, as Kinetics, its copies, and ActivityNet write it."""
    stem = PurePosixPath(video.replace("\\", "/")).stem
    match = WITH_TIMES.fullmatch(stem) or WITH_V.fullmatch(stem) or ALONE.fullmatch(stem)
    return match[1] if match else None


def run_overlap(
    seen: str, unseen: str, tau: float, vectors: Path | None, dimension: int, params: Path, as_plain_json: bool
) -> str:
    """Compare two sides by their names, and report as text or JSON. Raises: AurlError."""
    if not 0 <= tau <= 2:
        raise AurlError(f"--tau {tau:g}: a distance of cosines, 0 to 2")
    overlap = compare(read_side(seen, params), read_side(unseen, params), tau, vectors, dimension)
    return as_json(overlap) if as_plain_json else as_text(overlap)


def as_json(overlap: Overlap) -> str:
    """Give all of it as JSON; null stands for what was not compared."""
    sides = {name: {"origin": side.origin, "classes": len(side.classes), "videos": len(side.videos)}
             for name, side in (("seen", overlap.seen), ("unseen", overlap.unseen))}  # fmt: skip
    content = {
        **sides, "tau": overlap.tau, "names": [asdict(pair) for pair in overlap.names],
        "near": None if overlap.near is None else [asdict(pair) for pair in overlap.near],
        "unembedded": overlap.unembedded, "files": overlap.files, "youtube_ids": overlap.ids,
        "clean_unseen_classes": clean_classes(overlap),
    }  # fmt: skip
    return json.dumps(content, indent=1, ensure_ascii=False)


def clean_classes(overlap: Overlap) -> list[str]:
    """List the test classes that no seen class is like, by name or by tau."""
    alike = {pair.unseen for pair in [*overlap.names, *(overlap.near or [])]}
    return [name for name in overlap.unseen.classes if name not in alike]


def as_text(overlap: Overlap) -> str:
    """Write the report in 80 columns."""
    seen, unseen = overlap.seen, overlap.unseen
    total = len(unseen.classes)
    lines = _wrap(f"Seen: {seen.origin}, {_counted(seen)}.") + _wrap(f"Test: {unseen.origin}, {_counted(unseen)}.")
    for how in KINDS:
        pairs = [pair for pair in overlap.names if pair.how == how]
        lines += ["", *_wrap(f"Names equal {WORDED[how]}: {_of(pairs, total)}.")]
        lines += _listed([_pair(pair) for pair in pairs])
    lines.append("")
    if overlap.near is None:
        lines += _wrap("Near classes (tau): not compared; give word vectors with --vectors.")
    else:
        lines += _wrap(f"Nearer than tau {overlap.tau:g} by word vectors: {_of(overlap.near, total)}.")
        lines += _listed([_pair(pair) for pair in overlap.near])
        if overlap.unembedded:
            shown = ", ".join(overlap.unembedded[:5])
            lines += _wrap(f"{len(overlap.unembedded)} classes have words that the vectors do not know: {shown}"
                           f"{' ...' if len(overlap.unembedded) > 5 else ''}.")  # fmt: skip
    lines.append("")
    if overlap.files is None:
        lines += _wrap("Equal files: not compared; both sides need SHA-256 (the listing or manifest of a dataset).")
    else:
        lines += _wrap(f"Equal files (SHA-256): {len(overlap.files)}.")
        lines += _listed([f"{one} = {other}" for one, other in overlap.files])
    if overlap.ids is None:
        lines += _wrap("YouTube ids: not compared; the names of both sides' videos must carry them.")
    else:
        lines += _wrap(f"Equal YouTube ids: {len(overlap.ids)}.")
        lines += _listed([f"{key}: {one} = {other}" for key, (one, other) in overlap.ids.items()])
    clean = len(clean_classes(overlap))
    lines += [
        "",
        *_wrap(f"{clean} of {total} test classes are like no seen class{' by name' if overlap.near is None else ''}."),
    ]
    return "\n".join(lines)


def _embed(sides: Sequence[Side], vectors: Path, dimension: int) -> list[ClassEmbeddings]:
    tokens = [{name: side.words.get(name) or words(name) for name in side.classes} for side in sides]
    for side, of_side in zip(sides, tokens, strict=True):
        if empty := [name for name, own in of_side.items() if not own]:
            raise AurlError(f"{side.origin}: class '{empty[0]}' has no word in its name; rename it")
    needed = {word for of_side in tokens for own in of_side.values() for word in own}
    loaded = load_vectors(vectors, dimension, needed)
    return [embed_tokens(of_side, loaded) for of_side in tokens]


def _ids(videos: Sequence[str]) -> dict[str, str]:
    return {key: video for video in videos if (key := youtube_id(video))}


def _counted(side: Side) -> str:
    videos = f", {len(side.videos):,} videos" if side.videos else ", videos not listed"
    return f"{len(side.classes)} classes{videos}"


def _of(pairs: Sequence[Pair], total: int) -> str:
    return f"{len({pair.unseen for pair in pairs})} of {total} test classes"


def _pair(pair: Pair) -> str:
    distance = "" if pair.distance is None else f"{pair.distance:.4f}  "
    return f"{distance}{pair.seen} = {pair.unseen}"


def _listed(texts: list[str]) -> list[str]:
    lines = [line for text in texts[:LISTED] for line in textwrap.wrap(text, WIDTH, initial_indent="  ",
                                                                       subsequent_indent="    ")]  # fmt: skip
    return lines + ([f"  and {len(texts) - LISTED} more (--json lists all)"] if len(texts) > LISTED else [])


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)

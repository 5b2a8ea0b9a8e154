"""Check a dataset or word vectors in place: recognise, count, compare checksums."""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

from aurl.datasets.class_names import spelling
from aurl.datasets.ingest import find_videos
from aurl.fetch.sources import Source
from aurl.semantics.tokens import read_token_table
from aurl.system.errors import AurlError
from aurl.system.progress import transfer
from aurl.system.shipped import TOKEN_TABLE

MOST_NAMES = 5  # names of classes in a message


def check(source: Source, path: Path) -> Iterator[str]:
    """Recognise and count the contents of a path; yields the counts line by line.

    Raises: AurlError if anything is missing or does not belong there.
    """
    return _check_vectors(source, path) if source.layout is None else _check_videos(source, source.layout, path)


def digest_file(path: Path, algorithm: str) -> str:
    """Compute the hex digest of a file's contents, with progress."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as handle, transfer(f"{algorithm} {path.name}", path.stat().st_size) as advance:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
            advance(len(chunk))
    return digest.hexdigest()


def _check_videos(source: Source, layout: str, path: Path) -> Iterator[str]:
    videos = find_videos(path, layout)
    classes = {spelling(video.class_name): video.class_name.replace("_", " ") for video in videos}
    expected = {spelling(name): name for name in read_token_table(TOKEN_TABLE, layout)}
    counts = f"{source.videos or 'an unstated number of'} videos in {source.classes} classes"
    yield f"{path}: {len(videos)} videos in {len(classes)} classes; expected: {counts} ({source.counts_stated_by})"
    wrong = [
        _list_classes(kind, {names[key] for key in names.keys() - others.keys()})
        for kind, names, others in (("missing", expected, classes), ("unknown", classes, expected))
        if names.keys() - others.keys()
    ]  # fmt: skip
    if source.videos not in (None, len(videos)):
        wrong.append(f"{len(videos)} videos, not {source.videos}")
    if wrong:
        raise AurlError(f"{path}: not the complete {source.title}: {'; '.join(wrong)}; it was left as it is")
    yield f"{path}: complete"


def _list_classes(kind: str, classes: set[str]) -> str:
    more = f" and {len(classes) - MOST_NAMES} more" if len(classes) > MOST_NAMES else ""
    return f"{len(classes)} {kind} classes ({', '.join(sorted(classes)[:MOST_NAMES])}{more})"


def _check_vectors(source: Source, path: Path) -> Iterator[str]:
    assert source.vectors is not None
    file, (number, dimension) = source.files[0], source.vectors
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as handle:
            header = handle.readline(80).decode("ascii").split()
    except (OSError, EOFError, UnicodeDecodeError):
        header = []
    if header != [str(number), str(dimension)]:
        raise AurlError(f"{path}: does not begin as {number} word2vec vectors of {dimension} dimensions do")
    if not packed and path.stat().st_size < 4 * number * dimension:
        raise AurlError(f"{path}: too short for {number} vectors of {dimension} dimensions; fetch it again")
    yield f"{path}: {number} vectors of {dimension} dimensions, as announced in its first line"
    if file.checksum is None or path.stat().st_size != file.bytes:
        yield f"{path}: not the file of {file.url}; its checksum was not compared"
    elif digest_file(path, file.checksum.algorithm) != file.checksum.hex:
        raise AurlError(f"{path}: damaged: its {file.checksum.algorithm} is not the one stated by {file.stated_by}")
    else:
        yield f"{path}: complete, {file.checksum.algorithm} as stated by {file.stated_by}"

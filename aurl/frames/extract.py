"""Extract frames: one shard of a dataset from its videos into the packed store."""

import functools
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from aurl.datasets.table import iterate_usable
from aurl.errors import AurlError
from aurl.files import sha256_file
from aurl.frames.packing import encode_jpegs, split_shards, squash, write_shard
from aurl.frames.video import read_frames
from aurl.isolated import Failure, map_isolated
from aurl.progress import track


def extract_shard(manifest: Path, broken: str, folder: Path, shard_number: int, shards: int, *, size: int,
                  quality: int, chroma: str, timeout: float, shard: Path, index: Path) -> None:  # fmt: skip
    """Extract the frames of the shard's videos.

    Args:
        folder: where the manifest's relative paths start.
        size, quality, chroma: of the stored JPEGs.
        timeout: seconds for one video, after which its worker is killed.
    Raises:
        AurlError: a video is not the one that the manifest describes, or cannot be read to its end.
    """
    part = split_shards(sum(1 for _ in iterate_usable(manifest, broken)), shards)[shard_number]

    def videos() -> Iterator[tuple[Path, int, int, str]]:
        for row in itertools.islice(iterate_usable(manifest, broken), part.start, part.stop):
            yield folder / row["path"], int(row["frames"]), int(row["rotation"]), row["sha256"]

    extract = functools.partial(extract_video, size=size, quality=quality, chroma=chroma)
    results = map_isolated(extract, videos(), 1, timeout)
    label = f"frames {manifest.stem} shard {shard_number + 1}/{shards}"
    write_shard(shard, index, _checked(track(results, label, "videos", len(part)), videos()))


def extract_video(video: tuple[Path, int, int, str], size: int, quality: int, chroma: str) -> list[bytes]:
    """The JPEGs of one video, given as (path, frames, rotation, SHA-256). Raises: ValueError."""
    path, frames, rotation, sha256 = video
    if sha256_file(path) != sha256:
        raise ValueError("the file has changed since the dataset was listed; run 'snakemake --forcerun ingest'")
    return [
        jpeg
        for chunk in read_frames(path, frames, rotation)
        for jpeg in encode_jpegs(squash(chunk, size), quality, chroma)
    ]


def _checked(
    results: Iterator[list[bytes] | Failure], videos: Iterable[tuple[Path, int, int, str]]
) -> Iterator[list[bytes]]:
    for result, (path, *_) in zip(results, videos, strict=True):
        if isinstance(result, Failure):
            raise AurlError(f"{path}: {result.reason}")
        yield result

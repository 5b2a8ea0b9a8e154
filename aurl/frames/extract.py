"""Extract frames: one shard of a dataset from its videos into the packed store."""

import functools
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from aurl.datasets.table import read_usable
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
    videos = read_usable(manifest, broken)
    part = videos.iloc[list(split_shards(len(videos), shards)[shard_number])]
    extract = functools.partial(extract_video, size=size, quality=quality, chroma=chroma)
    rows = [(folder / row.path, int(row.frames), int(row.rotation), str(row.sha256)) for row in part.itertuples()]
    results = map_isolated(extract, rows, 1, timeout)
    label = f"frames {manifest.stem} shard {shard_number + 1}/{shards}"
    write_shard(shard, index, _checked(track(results, label, "videos", len(rows)), part, folder))


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


def _checked(results: Iterator[list[bytes] | Failure], part: pd.DataFrame, folder: Path) -> Iterator[list[bytes]]:
    for result, row in zip(results, part.itertuples(), strict=True):
        if isinstance(result, Failure):
            raise AurlError(f"{folder / str(row.path)}: {result.reason}")
        yield result

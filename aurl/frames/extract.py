"""Extract frames: one shard of a dataset from its videos into the packed store."""

import functools
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from aurl.datasets.table import iterate_usable
from aurl.experiment.folders import video_folder
from aurl.frames.packing import encode_jpegs, split_shards, write_shard
from aurl.frames.video import read_frames
from aurl.pipeline.jobs import Job
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file
from aurl.system.isolated import Failure, map_isolated
from aurl.system.progress import track

MORE_TIME, MORE_MEMORY = 4, 2  # than to decode alone: frames are also squashed, compressed and kept to the video's end
LISTED = 20  # videos named in an error


def extract_shard(manifest: Path, broken: str, folder: Path, shard_number: int, shards: int, *, size: int,
                  quality: int, chroma: str, timeout: float, shard: Path, index: Path,
                  memory_mb: int | None = None) -> None:  # fmt: skip
    """Extract the frames of the shard's videos, in a process of their own.

    A video that decord does not get through (it crashed, say) is read by PyAV, as the manifest's was. What has passed
    the manifest's full decode within its limits should pass here, with more of both.

    Args:
        folder: where the manifest's relative paths start.
        size, quality, chroma: of the stored JPEGs.
        timeout, memory_mb: what the manifest allowed one video, in seconds and MiB.
    Raises:
        AurlError: videos are not those that the manifest describes, or cannot be read to their end; it names them.
    """
    part = split_shards(sum(1 for _ in iterate_usable(manifest, broken)), shards)[shard_number]

    def videos() -> Iterator[tuple[Path, int, int, str]]:
        for row in itertools.islice(iterate_usable(manifest, broken), part.start, part.stop):
            yield folder / row["path"], int(row["frames"]), int(row["rotation"]), row["sha256"]

    extract = functools.partial(extract_video, size=size, quality=quality, chroma=chroma)
    more_memory = None if memory_mb is None else MORE_MEMORY * memory_mb
    plainly = functools.partial(extract, with_decord=False)
    results = map_isolated(extract, videos(), 1, MORE_TIME * timeout, more_memory, again=plainly)
    label = f"frames {manifest.stem} shard {shard_number + 1}/{shards}"
    write_shard(shard, index, _checked(track(results, label, "videos", len(part)), videos(), len(part)))


def extract_video(
    video: tuple[Path, int, int, str], size: int, quality: int, chroma: str, with_decord: bool = True
) -> list[bytes]:
    """The JPEGs of one video, given as (path, frames, rotation, SHA-256). Raises: ValueError, MemoryError."""
    path, frames, rotation, sha256 = video
    if sha256_file(path) != sha256:
        raise ValueError("the file has changed since the dataset was listed; run 'snakemake --forcerun ingest'")
    return [
        jpeg
        for chunk in read_frames(path, frames, size, rotation, with_decord)
        for jpeg in encode_jpegs(chunk, quality, chroma)
    ]


def _checked(
    results: Iterator[list[bytes] | Failure], videos: Iterable[tuple[Path, int, int, str]], total: int
) -> Iterator[list[bytes]]:
    """The results, and at their end one error that names the videos without one."""
    failures: list[str] = []
    failed = 0
    for result, (path, *_) in zip(results, videos, strict=True):
        if isinstance(result, Failure):
            failed += 1
            if len(failures) < LISTED:
                failures.append(f"{path}: {result.reason}")
        else:
            yield result
    if failures:
        more = "".join(f"\n  {failure}" for failure in failures[1:])
        raise AurlError(f"{failures[0]} ({failed} of {total} videos of this shard){more}")


def run(job: Job) -> None:
    """Run the stage `frames`."""
    settings, frames = job.settings, job.settings["frames"]
    extract_shard(
        job.inputs.manifest, settings["datasets.{dataset}.broken"],
        video_folder(settings["datasets.{dataset}.source"], job.inputs.videos), job.wildcards["shard"],
        settings["datasets.{dataset}.shards"], size=frames.size, quality=frames.quality, chroma=frames.chroma,
        timeout=frames.timeout_seconds, shard=job.outputs.shard, index=job.outputs.shard_index,
        memory_mb=frames.memory_mb,
    )  # fmt: skip

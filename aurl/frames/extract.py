"""Extracts frames: one shard of a dataset, from its videos into the packed store."""

import functools
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from aurl.datasets.table import iterate_usable
from aurl.experiment.folders import video_folder
from aurl.experiment.settings import FrameSettings
from aurl.frames.packing import encode_jpegs, split_shards, stored_settings, write_shard
from aurl.frames.video import read_frames
from aurl.pipeline.jobs import Job
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file
from aurl.system.isolated import Failure, map_isolated
from aurl.system.progress import log, track

MORE_TIME, MORE_MEMORY = 4, 2  # than decoding: frames are also squashed, compressed and kept to the video's end
LISTED = 20  # videos named in an error


def extract_shard(
    manifest: Path, broken: str, folder: Path, number: int, shards: int, frames: FrameSettings, shard: Path, index: Path
) -> None:
    """Extract the frames of one shard's videos, in another process.

    PyAV, which has read the video for the manifest, takes over where decord fails (by a crash, say). A video gets more
    time and memory than the manifest's full decode, so one that passed there should pass here. One that does not is
    left out, unless `broken` is `error`: it has no frames, its line and the index say why.

    Args:
        folder: where the manifest's relative paths start.
        number: the shard's, from 0.
        frames: how frames are stored, and the limits of the full decode.
        shard, index: the files to write.
    Raises:
        AurlError: videos have changed since the manifest, or cannot be extracted and `broken` is `error`; it names them.
    """
    part = split_shards(sum(1 for _ in iterate_usable(manifest, broken)), shards)[number]

    def videos() -> Iterator[tuple[Path, int, int, str]]:
        for row in itertools.islice(iterate_usable(manifest, broken), part.start, part.stop):
            yield folder / row["path"], int(row["frames"]), int(row["rotation"]), row["sha256"]

    extract = functools.partial(extract_video, **stored_settings(frames))
    with_pyav = functools.partial(extract, with_decord=False)
    seconds, memory_mb = MORE_TIME * frames.timeout_seconds, MORE_MEMORY * frames.memory_mb
    results = map_isolated(extract, videos(), 1, seconds, memory_mb, fallback=with_pyav)
    label = f"frames {manifest.stem} shard {number + 1}/{shards}"
    left_out: dict[str, str] = {}
    tracked = track(results, label, "videos", len(part))
    write_shard(shard, index, _checked(tracked, videos(), len(part), folder, broken, left_out), left_out)


def extract_video(
    video: tuple[Path, int, int, str], size: int, quality: int, chroma: str, with_decord: bool = True
) -> list[bytes]:
    """Extract one video, given as (path, frames, rotation, SHA-256), as JPEGs.

    Raises: ValueError for a file that has changed or cannot be read to its end; MemoryError.
    """
    path, frames, rotation, sha256 = video
    if sha256_file(path) != sha256:
        raise ValueError("the file has changed since the dataset was listed; run 'snakemake --forcerun ingest'")
    return [
        jpeg
        for chunk in read_frames(path, frames, size, rotation, with_decord)
        for jpeg in encode_jpegs(chunk, quality, chroma)
    ]


def _checked(
    results: Iterator[list[bytes] | Failure],
    videos: Iterable[tuple[Path, int, int, str]],
    total: int,
    folder: Path,
    broken: str,
    left_out: dict[str, str],
) -> Iterator[list[bytes]]:
    """Yield the results, no frames for a video to leave out; at the end, raise one error that names the others."""
    failures: list[str] = []
    failed = 0
    for result, (path, _, _, sha256) in zip(results, videos, strict=True):
        if isinstance(result, Failure) and broken != "error" and _is_unchanged(path, sha256):
            log(f"{path}: its frames cannot be extracted: {result.reason}; left out")
            left_out[path.relative_to(folder).as_posix()] = result.reason
            yield []
        elif isinstance(result, Failure):
            failed += 1
            if len(failures) < LISTED:
                failures.append(f"{path}: {result.reason}")
        else:
            yield result
    if failures:
        more = "".join(f"\n  {failure}" for failure in failures[1:])
        raise AurlError(f"{failures[0]} ({failed} of {total} videos of this shard){more}")


def _is_unchanged(path: Path, sha256: str) -> bool:
    try:
        return sha256_file(path) == sha256
    except OSError:
        return False


def run(job: Job) -> None:
    """Run the stage `frames`."""
    settings, outputs = job.settings, job.outputs
    videos = video_folder(settings["datasets.{dataset}.source"], job.inputs.videos)
    extract_shard(
        job.inputs.manifest, settings["datasets.{dataset}.broken"], videos, job.wildcards["shard"],
        settings["datasets.{dataset}.shards"], settings["frames"], outputs.shard, outputs.shard_index,
    )  # fmt: skip

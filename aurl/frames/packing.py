"""Packs frames into shards: JPEG, and the files that `store` reads."""

import json
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from safetensors.numpy import save

from aurl.experiment.settings import FrameSettings
from aurl.frames.store import load_shard_index, shard_left_out
from aurl.pipeline.jobs import Job
from aurl.system.errors import AurlError
from aurl.system.files import replacing, sha256_file
from aurl.system.json_files import write_json
from aurl.system.progress import track


def stored_settings(frames: FrameSettings) -> dict[str, Any]:
    """Choose the settings that shape the stored frames: `size`, `quality` and `chroma`."""
    return {"size": frames.size, "quality": frames.quality, "chroma": frames.chroma}


def encode_jpegs(frames: np.ndarray, quality: int, chroma: str) -> list[bytes]:
    """Encode frames (n, height, width, 3) uint8, one JPEG each."""
    return [
        simplejpeg.encode_jpeg(np.ascontiguousarray(frame), quality=quality, colorspace="RGB", colorsubsampling=chroma)
        for frame in frames
    ]


def write_shard(
    shard: Path, index: Path, videos: Iterable[list[bytes]], left_out: Mapping[str, str] | None = None
) -> None:
    """Write the JPEGs of videos into a shard and its index; both or neither appear.

    Memory holds the offsets and one video.

    Args:
        left_out: path -> reason of the videos without frames, read when `videos` has ended.
    """
    with replacing(shard, index) as (packed, table):
        offsets, first_frame = array("q", [0]), array("q", [0])
        with packed.open("wb") as handle:
            for video in videos:
                for jpeg in video:
                    handle.write(jpeg)
                    offsets.append(offsets[-1] + len(jpeg))
                first_frame.append(len(offsets) - 1)
        arrays = {"offsets": np.frombuffer(offsets, np.int64), "first_frame": np.frombuffer(first_frame, np.int64)}
        table.write_bytes(save(arrays, {"left_out": json.dumps(left_out)} if left_out else None))


def write_index(
    shards: list[tuple[Path, Path]], settings: dict[str, Any], index: Path, root: Path | None = None
) -> None:
    """Write the dataset's index of (shard, shard index) files, with counts, SHA-256 and the videos left out.

    Args:
        root: the folder that the paths in the index start from; by default the index's own folder.
    Raises: AurlError if a shard and its own index do not fit each other.
    """
    rows: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    for shard, shard_index in track(shards, f"index {index.parent.name}", "shards", len(shards), brief=True):
        arrays = load_shard_index(shard_index)
        left_out |= shard_left_out(shard_index)
        rows.append(
            {
                "shard": shard.relative_to(root or index.parent).as_posix(),
                "index": shard_index.relative_to(root or index.parent).as_posix(),
                "bytes": shard.stat().st_size,
                "shard_sha256": sha256_file(shard),
                "index_sha256": sha256_file(shard_index),
                "videos": len(arrays["first_frame"]) - 1,
                "frames": len(arrays["offsets"]) - 1,
            }
        )
        if arrays["offsets"][-1] != rows[-1]["bytes"]:
            raise AurlError(
                f"{shard}: {rows[-1]['bytes']} bytes, its index expects {arrays['offsets'][-1]}; delete both and run again"
            )
    totals = {key: sum(row[key] for row in rows) for key in ("videos", "frames", "bytes")}
    lost = {"left_out": left_out} if left_out else {}
    write_json(index, {"settings": settings, **totals, **lost, "shards": rows})


def split_shards(videos: int, shards: int) -> list[range]:
    """Divide the video numbers into contiguous, nearly equal ranges, one for each shard."""
    bounds = [videos * shard // shards for shard in range(shards + 1)]
    return [range(begin, end) for begin, end in zip(bounds, bounds[1:], strict=False)]


def run(job: Job) -> None:
    """Run the stage `frames_index`."""
    frames, index = job.settings["frames"], job.outputs.frames_index
    shards = [(path, job.inputs.indexes[number]) for number, path in job.inputs.shards.items()]
    write_index(shards, stored_settings(frames), index, next(iter(job.inputs.shards.values())).parents[1])

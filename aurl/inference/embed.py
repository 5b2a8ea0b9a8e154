"""Embed video files, or folders of images, of your own through a frame store in a temporary folder.

The code of the frame store decodes and packs them, the code of the features cuts and embeds the clips: equal files give
the embeddings of a test set.
"""

import functools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aurl.evaluation.video_embeddings import embed_videos
from aurl.experiment.settings import ComputeSettings, FrameSettings
from aurl.frames.extract import extract_video
from aurl.frames.image_folders import decode_images
from aurl.frames.packing import stored_settings, write_index, write_shard
from aurl.frames.store import FrameStore
from aurl.frames.video import VideoProperties, probe
from aurl.models.zero_shot import ZeroShotModel
from aurl.system.files import sha256_file
from aurl.system.isolated import Failure, map_isolated
from aurl.system.progress import log, track


@dataclass(frozen=True)
class EmbeddedFiles:
    """Hold the readable files, their embeddings float32 (files, space), and why the others are not readable."""

    videos: list[Path]
    embeddings: Tensor
    failures: dict[Path, str]


def embed_files(model: ZeroShotModel, videos: list[Path], clips: int, clip_length: int, frames: FrameSettings,
                batch_size: int, compute: ComputeSettings) -> EmbeddedFiles:  # fmt: skip
    """Embed video files at one clip count, see `embed_at_counts`."""
    embedded = embed_at_counts(model, videos, [clips], clip_length, frames, batch_size, compute)
    return replace(embedded, embeddings=embedded.embeddings[0] if embedded.videos else embedded.embeddings)


def embed_at_counts(
    model: ZeroShotModel, videos: list[Path], clips: list[int], clip_length: int, frames: FrameSettings,
    batch_size: int, compute: ComputeSettings, workers: int = 1, label: str = "predict",
) -> EmbeddedFiles:  # fmt: skip
    """Embed video files at several clip counts: float32 (clip counts, readable files, space).

    An unreadable file causes one line on standard error, and the work goes on with the others.

    Args:
        clips: counts of test clips of a video, whose embeddings are averaged.
        workers: processes that decode.
    """
    readable: list[Path] = []
    failures: dict[Path, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shard = (folder / "0.jpegs", folder / "0.safetensors")
        write_shard(*shard, _decoded(videos, frames, workers, readable, failures))
        if not readable:
            return EmbeddedFiles([], torch.empty(0), failures)
        write_index([shard], stored_settings(frames), folder / "index.json")
        store, numbers = FrameStore(folder / "index.json"), np.arange(len(readable))
        rows = list(embed_videos(model, store, numbers, clips, clip_length, batch_size, compute, label))
    return EmbeddedFiles(readable, torch.cat(rows, dim=1), failures)


def decode_video(
    path: Path, size: int, quality: int, chroma: str, with_decord: bool = True
) -> tuple[VideoProperties, list[bytes]]:
    """Decode a video, or a folder of images, fully: its properties, and the JPEGs of its frames."""
    if path.is_dir():
        return decode_images(path, size, quality, chroma)
    properties = probe(path)
    if not properties.frames:
        return properties, []
    video = (path, properties.frames, properties.rotation, sha256_file(path))
    return properties, extract_video(video, size, quality, chroma, with_decord)


def _decoded(
    videos: list[Path], frames: FrameSettings, workers: int, readable: list[Path], failures: dict[Path, str]
) -> Iterator[list[bytes]]:
    """Yield the JPEGs of each readable video, decoded in other processes; put every video into one of the two lists."""
    decode = functools.partial(decode_video, **stored_settings(frames))
    with_pyav = functools.partial(decode, with_decord=False)
    results = map_isolated(decode, videos, workers, frames.timeout_seconds, frames.memory_mb, fallback=with_pyav)
    for video, result in zip(videos, track(results, "read", "videos", len(videos), brief=True), strict=True):
        properties, jpegs = (
            (VideoProperties("unreadable", result.reason), []) if isinstance(result, Failure) else result
        )
        reason = f"{properties.status}: {properties.reason}"
        if not jpegs:
            failures[video] = reason
            log(f"{video}: {reason}")
            continue
        if properties.status != "ok":
            log(f"{video}: {reason}; used as far as it goes")
        readable.append(video)
        yield jpegs

"""Embed the videos and classes of a test set with one trained model: the stage `features`."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aurl.evaluation.feature_file import write_features
from aurl.experiment.settings import ComputeSettings
from aurl.frames.clips import clip_indices, evaluation_starts
from aurl.frames.store import FrameStore
from aurl.frames.usable import videos_with_frames
from aurl.models.checkpoint import load_model
from aurl.models.zero_shot import ZeroShotModel
from aurl.pipeline.jobs import Job
from aurl.semantics.classes import read_embeddings
from aurl.system.compute import autocast, prepare_device
from aurl.system.errors import AurlError
from aurl.system.progress import track


@lru_cache(4096)
def window_counts(num_frames: int, clips: tuple[int, ...]) -> dict[int, np.ndarray]:
    """Count how often each start frame occurs for each clip count: start -> int64 (len(clips),)."""
    counts: dict[int, np.ndarray] = {}
    for column, number in enumerate(clips):
        for start, times in Counter(evaluation_starts(num_frames, number).tolist()).items():
            counts.setdefault(start, np.zeros(len(clips), np.int64))[column] = times
    return dict(sorted(counts.items()))


def embed_videos(model: ZeroShotModel, store: FrameStore, videos: np.ndarray, clips: list[int], clip_length: int,
                 batch_size: int, compute: ComputeSettings, label: str) -> Iterator[Tensor]:  # fmt: skip
    """Embed videos: for every clip count the mean of the embeddings of a video's clips.

    Memory holds one batch. Yields finished videos in their order, float32 (len(clips), n, d).

    Args:
        videos: (N,) store numbers.
    """
    device = prepare_device(compute.device, compute.threads)
    model = model.to(device)
    num_frames = store.num_frames()[videos]
    counts = tuple(clips)
    windows = (
        (row, start, times)
        for row, length in enumerate(num_frames)
        for start, times in window_counts(int(length), counts).items()
    )
    lengths, occur = np.unique(num_frames, return_counts=True)
    total = sum(
        len(window_counts(int(length), counts)) * int(times) for length, times in zip(lengths, occur, strict=True)
    )
    first, unfinished = 0, None  # a video with windows in the next batch too
    for _ in track(range(0, total, batch_size), label, "batches", -(-total // batch_size)):
        part = list(itertools.islice(windows, batch_size))
        frames = read_clips(store, videos, [(row, start) for row, start, _ in part], clip_length)
        with torch.inference_mode(), autocast(device, compute.precision):
            embedded = model.embed_videos(torch.from_numpy(frames).to(device)).float().cpu()
        last = part[-1][0]
        sums = torch.zeros(len(clips), last - first + 1, embedded.shape[1])
        if unfinished is not None:
            sums[:, 0] = unfinished
        weights = torch.from_numpy(np.stack([times for _, _, times in part]).T.copy()).float()
        sums.index_add_(1, torch.tensor([row - first for row, _, _ in part]), weights[:, :, None] * embedded)
        yield _means(sums[:, :-1], clips)
        first, unfinished = last, sums[:, -1]
    if unfinished is not None:
        yield _means(unfinished[:, None], clips)


def read_clips(
    store: FrameStore, videos: np.ndarray, windows: Sequence[tuple[int, int]], clip_length: int
) -> np.ndarray:
    """Read clips, uint8 (len(windows), clip_length, size, size, 3).

    Args:
        videos: (N,) store numbers. windows: position in `videos`, and the clip's start frame.
    """
    num_frames = store.num_frames()
    frames = np.empty((len(windows), clip_length, store.size, store.size, 3), np.uint8)
    for clip, (row, start) in zip(frames, windows, strict=True):
        video = int(videos[row])
        indices = clip_indices(np.array([start]), int(num_frames[video]), clip_length)[0]
        store.read(video, indices, out=clip)
    return frames


def extract_features(checkpoint: Path, description: Path, manifest: Path, broken: str, frames_index: Path,
                     embeddings: Path, clips: list[int], batch_size: int, compute: ComputeSettings,
                     output: Path) -> None:  # fmt: skip
    """Embed a test set with a trained model and write the features.

    Videos of a class without an embedding (dropped for unknown words), and videos without frames are left out.
    """
    model, described = load_model(checkpoint, description)
    embedded = read_embeddings(embeddings)
    if len(embedded.classes) < 2:
        raise AurlError(f"{embeddings}: evaluation needs at least two test classes, found {len(embedded.classes)}")
    store = FrameStore(frames_index)
    videos, labels, paths = videos_with_frames(manifest, broken, embedded.classes, store)
    prepare_device(compute.device, compute.threads)
    with torch.inference_mode():
        classes = model.embed_classes(torch.from_numpy(embedded.vectors))
    name = f"features {described['variant']} seed {described['seed']} {manifest.stem}"
    finished = embed_videos(model, store, videos, clips, described["clip_length"], batch_size, compute, name)
    write_features(output, finished, clips, labels, classes, embedded.classes, paths)


def _means(sums: Tensor, clips: list[int]) -> Tensor:
    return torch.stack([rows / number for rows, number in zip(sums, clips, strict=True)])


def run(job: Job) -> None:
    """Run the stage `features`."""
    settings, inputs = job.settings, job.inputs
    extract_features(
        inputs.checkpoint, inputs.description, inputs.manifest, settings["datasets.{dataset}.broken"], inputs.frames,
        inputs.embeddings, settings["evaluation.clips"], settings["evaluation.batch_size"],
        settings["evaluation.compute"], job.outputs.features,
    )  # fmt: skip

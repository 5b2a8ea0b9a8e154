"""Features: the embeddings of a test set's videos and classes by one trained model."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from aurl.compute import autocast, prepare_device
from aurl.config import ComputeSettings
from aurl.datasets.table import read_usable
from aurl.errors import AurlError
from aurl.files import write_bytes
from aurl.frames.clips import clip_indices, evaluation_starts
from aurl.frames.store import FrameStore
from aurl.models.zero_shot import ZeroShotModel
from aurl.progress import track
from aurl.semantics.classes import read_embeddings
from aurl.training.checkpoint import load_model


def window_counts(num_frames: int, clips: list[int]) -> dict[int, np.ndarray]:
    """Start frame -> how often it occurs in each protocol, int64 (len(clips),); windows that repeat are one entry."""
    counts: dict[int, np.ndarray] = {}
    for column, number in enumerate(clips):
        for start, times in Counter(evaluation_starts(num_frames, number).tolist()).items():
            counts.setdefault(start, np.zeros(len(clips), np.int64))[column] = times
    return dict(sorted(counts.items()))


def embed_videos(model: ZeroShotModel, store: FrameStore, videos: np.ndarray, clips: list[int], clip_length: int,
                 batch_size: int, compute: ComputeSettings, label: str) -> dict[int, Tensor]:  # fmt: skip
    """Embed videos at every clip count: the mean of the embeddings of a video's clips, (N, d) for each.

    Args:
        videos: (N,) store numbers.
    """
    device = prepare_device(compute.device, compute.threads)
    model = model.to(device)
    num_frames = store.num_frames()[videos]
    windows = [
        (row, start, times)
        for row, length in enumerate(num_frames)
        for start, times in window_counts(int(length), clips).items()
    ]
    sums: Tensor | None = None
    batches = range(0, len(windows), batch_size)
    for begin in track(batches, label, "batches", len(batches)):
        part = windows[begin : begin + batch_size]
        frames = np.empty((len(part), clip_length, store.size, store.size, 3), np.uint8)
        for clip, (row, start, _) in zip(frames, part, strict=True):
            indices = clip_indices(np.array([start]), int(num_frames[row]), clip_length)[0]
            store.read(int(videos[row]), indices, out=clip)
        with torch.inference_mode(), autocast(device, compute.precision):
            embedded = model.embed_videos(torch.from_numpy(frames).to(device)).float().cpu()
        if sums is None:
            sums = torch.zeros(len(clips), len(videos), embedded.shape[1])
        weights = torch.from_numpy(np.stack([times for _, _, times in part]).T.copy()).float()
        sums.index_add_(1, torch.tensor([row for row, _, _ in part]), weights[:, :, None] * embedded)
    assert sums is not None
    return {number: sums[column] / number for column, number in enumerate(clips)}


def extract_features(checkpoint: Path, description: Path, manifest: Path, broken: str, frames_index: Path,
                     embeddings: Path, clips: list[int], batch_size: int, compute: ComputeSettings,
                     output: Path) -> None:  # fmt: skip
    """Embed a test set with a trained model and write the features.

    Videos of a class without an embedding (dropped for unknown words) are left out.
    """
    model, described = load_model(checkpoint, description)
    table, embedded = read_usable(manifest, broken), read_embeddings(embeddings)
    label_of = {name: label for label, name in enumerate(embedded.classes)}
    labels = table["class"].map(label_of)
    videos = np.flatnonzero(labels.notna())
    if len(embedded.classes) < 2:
        raise AurlError(f"{embeddings}: evaluation needs at least two test classes, found {len(embedded.classes)}")
    store = FrameStore(frames_index)
    name = f"features {described['variant']} seed {described['seed']} {manifest.stem}"
    by_clips = embed_videos(model, store, videos, clips, described["clip_length"], batch_size, compute, name)
    with torch.inference_mode():
        classes = model.cpu().embed_classes(torch.from_numpy(embedded.vectors))
    tensors = {f"clips{number}": rows for number, rows in by_clips.items()}
    tensors |= {"labels": torch.tensor(labels.iloc[videos].to_numpy(np.int64)), "classes": classes.contiguous()}
    names = {"classes": embedded.classes, "paths": table["path"].iloc[videos].tolist()}
    write_bytes(output, save(tensors, {"aurl": json.dumps(names)}))

"""Store the backbone features of a dataset's clips: the stage `backbone_features`.

The features are those before any projector. Methods are fitted on them, and never decode a video.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aurl.evaluation.video_embeddings import read_clips
from aurl.experiment.settings import ComputeSettings
from aurl.fitting.clip_features import write_clip_features
from aurl.frames.clips import evaluation_starts
from aurl.frames.store import FrameStore
from aurl.frames.usable import videos_with_frames
from aurl.models.checkpoint import load_model
from aurl.models.zero_shot import ZeroShotModel
from aurl.pipeline.jobs import Job
from aurl.semantics.classes import read_embeddings
from aurl.system.compute import autocast, prepare_device
from aurl.system.files import sha256_file
from aurl.system.progress import track


def pool_videos(model: ZeroShotModel, store: FrameStore, videos: np.ndarray, clips: list[int], clip_length: int,
                batch_size: int, compute: ComputeSettings, label: str) -> Iterator[dict[int, Tensor]]:  # fmt: skip
    """Compute the backbone features of every test clip of videos, in their order, one part at a time.

    Args:
        videos: (N,) store numbers. clips: counts of test clips of a video.
    Yields: clips per video -> float32 (n, clips, features). A short video's clips may be equal.
    """
    device = prepare_device(compute.device, compute.threads)
    model, num_frames = model.to(device), store.num_frames()
    most = max(1, batch_size // sum(clips))
    parts = np.array_split(np.arange(len(videos)), -(-len(videos) // most)) if len(videos) else []
    for rows in track(parts, label, "batches", len(parts)):
        starts = {count: [evaluation_starts(int(num_frames[videos[row]]), count) for row in rows] for count in clips}
        windows = sorted({(int(row), int(start)) for of_count in starts.values()
                          for row, of_row in zip(rows, of_count, strict=True) for start in of_row})  # fmt: skip
        frames = torch.from_numpy(read_clips(store, videos, windows, clip_length))
        with torch.inference_mode(), autocast(device, compute.precision):
            pooled = model.pool_clips(frames.to(device)).float().cpu()
        place = {window: number for number, window in enumerate(windows)}
        yield {
            count: torch.stack([pooled[[place[int(row), int(start)] for start in of_row]]
                                for row, of_row in zip(rows, of_count, strict=True)])
            for count, of_count in starts.items()
        }  # fmt: skip


def store_features(checkpoint: Path, description: Path, manifest: Path, broken: str, frames_index: Path, embeddings: Path,
                   clips: list[int], batch_size: int, compute: ComputeSettings, output: Path) -> None:  # fmt: skip
    """Write the backbone features of all videos of embedded classes that have frames."""
    model, described = load_model(checkpoint, description)
    classes, store = read_embeddings(embeddings).classes, FrameStore(frames_index)
    videos, labels, paths = videos_with_frames(manifest, broken, classes, store)
    prepare_device(compute.device, compute.threads)
    name = f"backbone features {described['variant']} seed {described['seed']} {manifest.stem}"
    finished = pool_videos(model, store, videos, clips, described["clip_length"], batch_size, compute, name)
    size: int = model.backbone.features  # type: ignore[assignment]
    write_clip_features(output, finished, clips, size, labels, classes, paths, sha256_file(checkpoint))


def run(job: Job) -> None:
    """Run the stage `backbone_features`."""
    settings, inputs = job.settings, job.inputs
    seen = job.wildcards["dataset"] == settings["seen"]
    clips = [settings["backbone_features.seen_clips"]] if seen else settings["evaluation.clips"]
    store_features(
        inputs.checkpoint, inputs.description, inputs.manifest, settings["datasets.{dataset}.broken"], inputs.frames,
        inputs.embeddings, clips, settings["evaluation.batch_size"], settings["evaluation.compute"],
        job.outputs.backbone_features,
    )  # fmt: skip

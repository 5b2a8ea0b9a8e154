"""Count videos and classes, and estimate the size and time of their frames from a sample."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from aurl.datasets.ingest import find_videos, render_dataset
from aurl.experiment.folders import source_folder
from aurl.experiment.settings import DatasetSettings, FrameSettings, RenderSettings
from aurl.fetch.sources import Source
from aurl.frames.extract import extract_video
from aurl.frames.video import probe
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file
from aurl.system.isolated import Failure, map_isolated
from aurl.system.shipped import TYPICAL_VIDEOS

SAMPLE, SAMPLE_MEMORY_MB = 3, 4096
TYPICAL_SIZE = 112


@dataclass(frozen=True)
class Sample:
    """Hold the number of videos, their mean frames, bytes of a frame, core seconds to extract a video."""

    videos: int
    frames: float
    bytes_per_frame: float
    seconds: float


@dataclass(frozen=True)
class DatasetPlan:
    """Count a dataset; `missing` names missing data, `note` the origin of the figures."""

    name: str
    missing: str
    videos: int | None
    classes: int | None
    sample: Sample | None
    note: str
    names: tuple[str, ...] = ()  # of the classes that are here

    @property
    def store_bytes(self) -> float | None:
        """Return the size of the frame store."""
        if self.videos is None or self.sample is None:
            return None
        return self.videos * self.sample.frames * self.sample.bytes_per_frame

    @property
    def core_seconds(self) -> float | None:
        """Return the time of one core to extract the frames, decoding twice (manifest and frames)."""
        return None if self.videos is None or self.sample is None else self.videos * self.sample.seconds


def plan_dataset(name: str, settings: DatasetSettings, frames: FrameSettings, official: Source | None) -> DatasetPlan:
    """Count a dataset that is here; otherwise use the numbers of its sources and of typical videos."""
    if settings.source.render is not None:
        return _plan_rendered(name, settings.source.render, frames)
    assert settings.source.folder is not None
    folder = source_folder(settings.source.folder)
    try:
        videos = find_videos(folder, settings.source.layout, settings.source.list)
    except AurlError as error:
        missing = f"no folder {folder}" if not folder.is_dir() else str(error)
        stated = official.videos or official.authors_videos if official else None
        typical = typical_sample(settings.source.layout, frames.size)
        note = "expected, not counted" + (f"; frames as in {typical.videos} real clips" if typical else "")
        return DatasetPlan(name, missing, stated, official.classes if official else None, typical, note)
    classes = sorted({video.class_name for video in videos})
    paths = [folder / video.path for video in videos]
    sample = sample_videos(paths, SAMPLE, size=frames.size, quality=frames.quality, chroma=frames.chroma)
    note = f"counted; frames from {sample.videos} of them"
    return DatasetPlan(name, "", len(videos), len(classes), sample, note, tuple(classes))


def sample_videos(paths: Sequence[Path], number: int, *, size: int, quality: int, chroma: str) -> Sample:
    """Extract some videos, evenly chosen, in memory. Raises: AurlError if none can be read."""
    chosen = [paths[int(index)] for index in np.linspace(0, len(paths) - 1, min(number, len(paths)))]
    rows = []
    jobs = [(path, size, quality, chroma) for path in chosen]
    for result in map_isolated(_extract, jobs, 1, timeout=120, memory_mb=SAMPLE_MEMORY_MB):
        if not isinstance(result, Failure) and result[0]:
            rows.append(result)
    if not rows:
        raise AurlError(f"{chosen[0]}: none of {len(chosen)} sampled videos could be read; check the dataset's folder")
    frames, stored, seconds = np.array(rows).T
    return Sample(len(rows), float(frames.mean()), float(stored.sum() / frames.sum()), float(seconds.mean()))


def typical_sample(dataset: str, size: int) -> Sample | None:
    """Return a typical video of an official dataset (measured by tools/typical_videos.py), if known."""
    table = pd.read_csv(TYPICAL_VIDEOS).set_index("dataset")
    if dataset not in table.index:
        return None
    row = table.loc[dataset]
    scale = (size / TYPICAL_SIZE) ** 2  # JPEGs of one quality grow with their area
    return Sample(int(row["clips"]), float(row["frames"]), row["bytes_per_frame"] * scale, float(row["seconds"]))


def _plan_rendered(name: str, render: RenderSettings, frames: FrameSettings) -> DatasetPlan:
    one = render.model_copy(update={"classes": 1, "videos_per_class": 1})
    with tempfile.TemporaryDirectory(prefix="aurl-plan-") as folder:
        videos = render_dataset(Path(folder), one)
        paths = [Path(folder) / video.path for video in videos]
        sample = sample_videos(paths, 1, size=frames.size, quality=frames.quality, chroma=frames.chroma)
    mean = sum(render.frames) / 2
    sample = Sample(1, mean, sample.bytes_per_frame, sample.seconds * mean / sample.frames)
    return DatasetPlan(
        name,
        "",
        render.number_of_classes * render.videos_per_class,
        render.number_of_classes,
        sample,
        "drawn; frames from one of them",
    )


def _extract(job: tuple[Path, int, int, str]) -> tuple[int, int, float]:
    """Extract one video; returns frames, bytes of their JPEGs and seconds, or (0, 0, 0) if it is broken."""
    path, size, quality, chroma = job
    started = time.process_time()
    video = probe(path)
    if video.status not in ("ok", "partial"):
        return 0, 0, 0.0
    stored = extract_video((path, video.frames, video.rotation, sha256_file(path)), size, quality, chroma)
    return video.frames, sum(map(len, stored)), time.process_time() - started

"""Video files and frame stores for the benchmarks: real clips where they are, rendered ones otherwise."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from aurl.datasets.ingest import find_videos
from aurl.datasets.rendered import render_video, rendered_videos
from aurl.experiment.folders import source_folder
from aurl.experiment.settings import RenderSettings
from aurl.frames.extract import extract_video
from aurl.frames.packing import write_index, write_shard
from aurl.frames.store import FrameStore
from aurl.frames.video import probe
from aurl.system.files import sha256_file

FOLDERS = {
    "UCF101": ("UCF-101", "ucf101"),
    "HMDB51": ("hmdb51", "hmdb51"),
    "Kinetics-700": ("kinetics700", "kinetics700"),
}
SETTINGS: dict[str, Any] = {"size": 112, "quality": 90, "chroma": "420"}  # presets/paper.yaml


@contextmanager
def opened(path: Path) -> Iterator[Iterator[av.VideoFrame]]:
    """Open a video for a sequential PyAV read on one thread."""
    with av.open(str(path), metadata_errors="replace") as container:
        container.streams.video[0].thread_type = "NONE"
        yield container.decode(video=0)


@dataclass(frozen=True)
class Clip:
    """A video file and what extraction needs to know of it."""

    path: Path
    frames: int
    rotation: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "Clip | None":
        """Probe a file; None if it is not wholly readable."""
        video = probe(path)
        return cls(path, video.frames, video.rotation, sha256_file(path)) if video.status == "ok" else None

    def jpegs(self, size: int, quality: int, chroma: str) -> list[bytes]:
        """Extract its frames as the store keeps them."""
        return extract_video((self.path, self.frames, self.rotation, self.sha256), size, quality, chroma)

    def full_size(self) -> np.ndarray:
        """Read all frames in turn, upright, uint8 (frames, height, width, 3)."""
        with opened(self.path) as frames:
            pixels = np.stack([frame.to_ndarray(format="rgb24") for frame in frames])
        return np.rot90(pixels, self.rotation // 90, axes=(1, 2))


def squashed_by_pil(frames: np.ndarray, size: int) -> np.ndarray:
    """Resize frames (n, height, width, 3) to (n, size, size, 3) as the released code does it."""
    return np.stack(
        [np.asarray(Image.fromarray(frame).resize((size, size), Image.Resampling.BILINEAR)) for frame in frames]
    )


def videos(scratch: Path, each: int) -> dict[str, list[Clip]]:
    """Find readable videos by name of their dataset, at most `each` of one, spread over its classes.

    Without real clips: H.264 and XviD of 320 x 240, rendered into `scratch`.
    """
    datasets: dict[str, list[Clip]] = {}
    for name, (folder, layout) in FOLDERS.items():
        root = source_folder(f"$AURL_REALVIDEO/{folder}")
        if root.is_dir():
            paths = [root / video.path for video in find_videos(root, layout)]
            chosen = map(Clip.of, paths[:: max(1, len(paths) // each)])
            datasets[name] = [clip for clip in chosen if clip is not None and clip.frames >= 16][:each]
    if datasets:
        return datasets
    print("no real clips ($AURL_REALVIDEO, docs/datasets.md): rendered ones instead", file=sys.stderr)
    return {f"rendered {codec}": rendered(scratch / codec, codec, each) for codec in ("h264", "xvid")}


def rendered(folder: Path, codec: str, count: int, width: int = 320, height: int = 240,
             frames: tuple[int, int] = (120, 240)) -> list[Clip]:  # fmt: skip
    """Render videos of the embedded world, one of each class."""
    values = {"frames": frames, "width": width, "height": height, "codec": codec}
    render = RenderSettings.model_validate(
        {"classes_of": "kinetics700", "classes": count, "videos_per_class": 1, **values}
    )
    names = [render_video(folder, video, render) for video in rendered_videos(render)]
    return [clip for name in names if (clip := Clip.of(folder / name))]


def store(folder: Path, clips: list[Clip], settings: dict[str, Any] | None = None) -> FrameStore:
    """Write a frame store of one shard."""
    settings = settings or SETTINGS
    folder.mkdir(parents=True, exist_ok=True)
    pair = folder / "0.jpegs", folder / "0.safetensors"
    write_shard(*pair, (clip.jpegs(**settings) for clip in clips))
    write_index([pair], settings, folder / "index.json")
    return FrameStore(folder / "index.json")

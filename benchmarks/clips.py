"""Video files and frame stores for the benchmarks: real clips where they are, rendered ones otherwise."""

import sys
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


@dataclass(frozen=True)
class Clip:
    """A video file and what extraction needs to know of it."""

    path: Path
    frames: int
    rotation: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "Clip | None":
        """None for a file that is not wholly readable."""
        found = probe(path)
        return cls(path, found.frames, found.rotation, sha256_file(path)) if found.status == "ok" else None

    def jpegs(self, size: int, quality: int, chroma: str) -> list[bytes]:
        """Its frames as the store keeps them."""
        return extract_video((self.path, self.frames, self.rotation, self.sha256), size, quality, chroma)


def full_size_frames(clip: Clip) -> np.ndarray:
    """All frames by a sequential PyAV read, upright, uint8 (frames, height, width, 3)."""
    with av.open(str(clip.path), metadata_errors="replace") as container:
        container.streams.video[0].thread_type = "NONE"
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.rot90(np.stack(frames), clip.rotation // 90, axes=(1, 2))


def squashed_by_pil(frames: np.ndarray, size: int) -> np.ndarray:
    """Frames (n, height, width, 3) resized to (n, size, size, 3) as the released code does it."""
    return np.stack(
        [np.asarray(Image.fromarray(frame).resize((size, size), Image.Resampling.BILINEAR)) for frame in frames]
    )


def videos(scratch: Path, each: int) -> dict[str, list[Clip]]:
    """Readable videos by name of their dataset, at most `each` of one, spread over its classes.

    Without real clips: H.264 and XviD of 320 x 240, rendered into `scratch`.
    """
    found: dict[str, list[Clip]] = {}
    for name, (folder, layout) in FOLDERS.items():
        root = source_folder(f"$AURL_REALVIDEO/{folder}")
        if root.is_dir():
            paths = [root / video.path for video in find_videos(root, layout)]
            chosen = paths[:: max(1, len(paths) // each)]
            found[name] = [clip for clip in map(Clip.of, chosen) if clip is not None and clip.frames >= 16][:each]
    if found:
        return found
    print("no real clips ($AURL_REALVIDEO, docs/datasets.md): rendered ones instead", file=sys.stderr)
    return {f"rendered {codec}": rendered(scratch / codec, codec, each) for codec in ("h264", "xvid")}


def rendered(folder: Path, codec: str, count: int, width: int = 320, height: int = 240,
             frames: tuple[int, int] = (120, 240)) -> list[Clip]:  # fmt: skip
    """Videos of the rendered world, one of each class."""
    made = []
    values = {"frames": frames, "width": width, "height": height, "codec": codec}
    render = RenderSettings.model_validate({"classes": count, "videos_per_class": 1, **values})
    for video in rendered_videos(render):
        name = render_video(folder, video, render)
        clip = Clip.of(folder / name)
        assert clip is not None, name
        made.append(clip)
    return made


def store(folder: Path, clips: list[Clip], settings: dict[str, Any] | None = None) -> FrameStore:
    """A frame store of one shard."""
    settings = settings or SETTINGS
    folder.mkdir(parents=True, exist_ok=True)
    pair = folder / "0.jpegs", folder / "0.safetensors"
    write_shard(*pair, (clip.jpegs(**settings) for clip in clips))
    write_index([pair], settings, folder / "index.json")
    return FrameStore(folder / "index.json")

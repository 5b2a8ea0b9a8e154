"""Clip loading: clips of 16 frames of 112 x 112 from the frame store, warm cache, one core.

    python benchmarks/run.py clip_loading

Real clips (AURL_REALVIDEO), or rendered ones. Against the published loader, restated: an LMDB of full-size JPEGs (whose
quality is not known: PIL's default of 75 here), one msgpack list for each video, PIL decode, resize, normalise. And
against decoding the same stored JPEGs in a bare loop.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import simplejpeg
import torch
from clips import Clip, store, videos
from harness import Comparison, interleaved, ratios
from published_way import VideoDatabase, full_size_jpeg, write_database

from aurl.frames.clips import evaluation_indices
from aurl.frames.store import FrameStore

EACH, CLIPS = 6, 4  # videos of a dataset, clips of a video
QUALITY = 75  # PIL's default
MEAN, STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)
SIZES = "Shorter videos and smaller frames save less; what the authors' JPEGs weigh is not known"
AIM_SPEED, AIM_BARE, AIM_BYTES, AIM_DISK = 10.0, 1.3, 1 / 30, 0.5


def stored_jpegs(ours: FrameStore, video: int, frames: np.ndarray) -> list[bytes]:
    """Return the bytes that a clip is made of."""
    offsets = ours._offsets[0][ours._first_frames[0][video] :]
    return [ours._map(0)[offsets[frame] : offsets[frame + 1]].tobytes() for frame in frames]


def compare(name: str, clips: list[Clip], folder: Path) -> list[Comparison]:
    """Compare speed, bytes read and disk on one dataset's videos."""
    ours = store(folder / "store", clips)
    write_database(folder / "lmdb", ([full_size_jpeg(frame, QUALITY) for frame in clip.full_size()] for clip in clips))
    database = VideoDatabase(folder / "lmdb", ours.size, MEAN, STD)
    wanted = [
        (video, frames) for video, clip in enumerate(clips) for frames in evaluation_indices(clip.frames, CLIPS, 16)
    ]
    jpegs = [stored_jpegs(ours, video, frames) for video, frames in wanted]
    stored, published, bare = interleaved(
        lambda: [ours.read(video, frames) for video, frames in wanted],
        lambda: [database.read(video, frames) for video, frames in wanted],
        lambda: [[simplejpeg.decode_jpeg(jpeg, colorspace="RGB") for jpeg in clip] for clip in jpegs],
        clock=time.process_time,
    )
    bytes_read = [
        sum(map(len, clip)) / database.value_bytes(video) for (video, _), clip in zip(wanted, jpegs, strict=True)
    ]
    disk = [sum(path.stat().st_blocks for path in (folder / kind).iterdir()) * 512 for kind in ("store", "lmdb")]
    per_thousand: dict[str, float | str] = {
        f"{kind} [GB per 1,000 videos]": used / len(clips) * 1000 / 1e9
        for kind, used in zip(("ours", "published"), disk, strict=True)
    }
    return [
        Comparison(f"{name}: clips/s", "published loader, CPU time", ratios(published, stored), AIM_SPEED),
        Comparison(f"{name}: time", "decoding the stored JPEGs in a bare loop", ratios(stored, bare), AIM_BARE, "smaller"),
        Comparison(f"{name}: bytes read for a clip", "published loader", bytes_read, AIM_BYTES, "smaller", note=SIZES),
        Comparison(f"{name}: disk", "published loader", [disk[0] / disk[1]], AIM_DISK, "smaller", per_thousand),
    ]  # fmt: skip


def measure() -> list[Comparison]:
    """Measure each dataset that is here."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        datasets = videos(Path(scratch) / "rendered", EACH)
        return [row for name, clips in datasets.items() for row in compare(name, clips, Path(scratch) / name)]

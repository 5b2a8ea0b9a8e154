"""Frame extraction: from a video file to its packed JPEGs, one core.

    python benchmarks/run.py frame_extraction

Against the bare decoding of the same files by libavcodec (PyAV, one thread, nothing done with the frames). The same
script compares every frame with that of a sequential PyAV read, pixel by pixel.
"""

import itertools
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pandas as pd
from clips import SETTINGS, Clip, videos
from harness import Comparison, interleaved, ratios, seconds

from aurl.files import sha256_file
from aurl.frames.packing import encode_jpegs, squash
from aurl.frames.video import read_frames

EACH = 6
AIMS = {"h264": 0.6}  # by codec
NOTE = (
    "What is counted against bare decoding: frames as RGB in memory of their own, the resize (PIL, which the stored bytes"
    " depend on), and JPEG. The larger the frames, the more of it is page faults (docs/performance.md)"
)


def codec(path: Path) -> str:
    """FFmpeg's name of the codec."""
    with av.open(str(path), metadata_errors="replace") as container:
        return str(container.streams.video[0].codec_context.name)


def decode(path: Path) -> None:
    """Decode all frames and drop them."""
    with av.open(str(path), metadata_errors="replace") as container:
        container.streams.video[0].thread_type = "NONE"
        for _ in container.decode(video=0):
            pass


def sequential(path: Path, rotation: int) -> np.ndarray:
    """All frames as PyAV reads them, upright, uint8 (frames, height, width, 3)."""
    with av.open(str(path), metadata_errors="replace") as container:
        container.streams.video[0].thread_type = "NONE"
        return np.stack(
            [np.rot90(frame.to_ndarray(format="rgb24"), rotation // 90) for frame in container.decode(video=0)]
        )


def same_frames(clip: Clip) -> int:
    """The largest difference of a pixel, 0 .. 255, from a sequential read.

    Raises: AssertionError if a frame is nearer to another one than to the one of its number.
    """
    ours, reference = (
        np.concatenate(list(read_frames(clip.path, clip.frames, clip.rotation))),
        sequential(clip.path, clip.rotation),
    )
    assert ours.shape == reference.shape, clip.path
    largest = 0
    for number, frame in enumerate(ours):
        near = range(max(0, number - 1), min(len(ours), number + 2))
        differences = {other: np.abs(frame.astype(np.int16) - reference[other]) for other in near}
        largest = max(largest, int(differences[number].max()))
        assert differences[number].mean() <= min(found.mean() for found in differences.values()), (
            f"{clip.path}: {number}"
        )
    return largest


def parts(clip: Clip) -> dict[str, float]:
    """CPU seconds of the steps of extraction."""
    chunks: list[np.ndarray] = []
    small: list[np.ndarray] = []
    works: dict[str, Callable[[], object]] = {
        "SHA-256": lambda: sha256_file(clip.path),
        "decode to RGB": lambda: chunks.extend(read_frames(clip.path, clip.frames, clip.rotation)),
        "resize": lambda: small.extend(squash(chunk, SETTINGS["size"]) for chunk in chunks),
        "JPEG": lambda: [encode_jpegs(chunk, SETTINGS["quality"], SETTINGS["chroma"]) for chunk in small],
    }
    return {name: seconds(work, time.process_time) for name, work in works.items()}


def compare(name: str, clips: list[Clip]) -> Comparison:
    """The videos of one codec: speed, where the time goes, and whether the frames are the right ones."""
    decoded, extracted = interleaved(
        lambda: [decode(clip.path) for clip in clips],
        lambda: [clip.jpegs(**SETTINGS) for clip in clips],
        clock=time.process_time,
    )
    took = pd.DataFrame([parts(clip) for clip in clips]).sum()
    figures: dict[str, float | str] = {f"{part} [%]": share for part, share in (100 * took / took.sum()).items()}
    figures |= {
        "files": len(clips),
        "containers": " ".join(sorted({clip.path.suffix[1:] for clip in clips})),
        "frames that are the same ones": sum(clip.frames for clip in clips),
        "largest difference of a pixel [of 255]": max(map(same_frames, clips)),
    }
    what = f"{name}: videos/s"
    return Comparison(
        what, "bare decoding, CPU time", ratios(decoded, extracted), AIMS.get(name), figures=figures, note=NOTE
    )


def measure() -> list[Comparison]:
    """For each codec."""
    with tempfile.TemporaryDirectory() as scratch:
        by_codec: dict[str, list[Clip]] = defaultdict(list)
        for clip in itertools.chain(*videos(Path(scratch), EACH).values()):
            by_codec[codec(clip.path)].append(clip)
        return [compare(name, clips) for name, clips in sorted(by_codec.items())]

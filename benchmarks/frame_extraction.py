"""Frame extraction: from a video file to its packed JPEGs, one core.

    python benchmarks/run.py frame_extraction

Against the bare decoding of the same files by libavcodec (PyAV, one thread, nothing done with the frames). Every frame
is compared with those of a sequential PyAV read.
"""

import itertools
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import av
import numpy as np
import pandas as pd
import simplejpeg
from clips import SETTINGS, Clip, opened, squashed_by_pil, videos
from harness import Comparison, interleaved, ratios

from aurl.frames.packing import encode_jpegs
from aurl.frames.video import _squashed, read_frames

EACH = 6
AIMS = {"h264": 0.6}  # by codec
NOTE = "What is counted against bare decoding: conversion to RGB and squashing in one pass of FFmpeg's scaler, and JPEG"


def codec(path: Path) -> str:
    """Return FFmpeg's name of the codec."""
    with av.open(str(path), metadata_errors="replace") as container:
        return str(container.streams.video[0].codec_context.name)


def decode(path: Path) -> None:
    """Decode all frames and drop them."""
    with opened(path) as frames:
        for _ in frames:
            pass


def sequential(clip: Clip) -> np.ndarray:
    """Read all frames in turn by PyAV, squashed by the same filter, uint8 (frames, size, size, 3)."""
    with opened(clip.path) as frames:
        return np.rot90(np.stack(list(_squashed(frames, SETTINGS["size"]))), clip.rotation // 90, axes=(1, 2))


def difference(left: np.ndarray, right: np.ndarray) -> float:
    """Mean difference of two frames' or videos' pixels, of 255."""
    return float(np.abs(left.astype(np.int16) - right).mean())


def same_frames(clip: Clip) -> dict[str, float]:
    """Compare a video's frames with others' reading of them: mean differences of pixels, of 255.

    Raises: AssertionError if a frame is nearer to another one of a sequential read than to the one of its number.
    """
    ours = np.concatenate(list(read_frames(clip.path, clip.frames, SETTINGS["size"], clip.rotation)))
    reference = sequential(clip)
    assert ours.shape == reference.shape, clip.path
    for number, frame in enumerate(ours):
        near = range(max(0, number - 1), min(len(ours), number + 2))
        differences = {other: difference(frame, reference[other]) for other in near}
        assert differences[number] <= min(differences.values()), f"{clip.path}: {number}"
    stored = [simplejpeg.decode_jpeg(jpeg) for jpeg in encode_jpegs(ours, SETTINGS["quality"], SETTINGS["chroma"])]
    return {
        "mean difference from a sequential read [of 255]": difference(ours, reference),
        "mean difference from PIL's resize [of 255]": difference(
            ours, squashed_by_pil(clip.full_size(), SETTINGS["size"])
        ),
        "mean difference that JPEG makes [of 255]": difference(ours, np.stack(stored)),
    }


def compare(name: str, clips: list[Clip]) -> Comparison:
    """Compare speed on the videos of one codec, and check that the frames are the right ones."""
    decoded, extracted = interleaved(
        lambda: [decode(clip.path) for clip in clips],
        lambda: [clip.jpegs(**SETTINGS) for clip in clips],
        clock=time.process_time,
    )
    figures: dict[str, float | str] = {
        "files": len(clips),
        "containers": " ".join(sorted({clip.path.suffix[1:] for clip in clips})),
        "frames that are the same ones": sum(clip.frames for clip in clips),
        **pd.DataFrame([same_frames(clip) for clip in clips]).mean().to_dict(),
    }
    aim = AIMS.get(name)
    return Comparison(
        f"{name}: videos/s", "bare decoding, CPU time", ratios(decoded, extracted), aim, "larger", figures, NOTE
    )


def measure() -> list[Comparison]:
    """Measure each codec."""
    with tempfile.TemporaryDirectory() as scratch:
        by_codec: dict[str, list[Clip]] = defaultdict(list)
        for clip in itertools.chain(*videos(Path(scratch), EACH).values()):
            by_codec[codec(clip.path)].append(clip)
        return [compare(name, clips) for name, clips in sorted(by_codec.items())]

"""Frame extraction: from a video file to its packed JPEGs, one core.

    python benchmarks/run.py frame_extraction

Against the bare decoding of the same files by libavcodec (PyAV, one thread, nothing done with the frames). The same
script compares every frame with those of a sequential PyAV read.
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
import simplejpeg
from clips import SETTINGS, Clip, full_size_frames, squashed_by_pil, videos
from harness import Comparison, interleaved, ratios, seconds

from aurl.frames.packing import encode_jpegs
from aurl.frames.video import _squashed, read_frames
from aurl.system.files import sha256_file

EACH = 6
AIMS = {"h264": 0.6}  # by codec
NOTE = "What is counted against bare decoding: conversion to RGB and squashing in one pass of FFmpeg's scaler, and JPEG"


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


def sequential(clip: Clip) -> np.ndarray:
    """All frames by a sequential PyAV read, squashed by the same filter, uint8 (frames, size, size, 3)."""
    with av.open(str(clip.path), metadata_errors="replace") as container:
        container.streams.video[0].thread_type = "NONE"
        frames = np.stack(list(_squashed(container.decode(video=0), SETTINGS["size"])))
    return np.rot90(frames, clip.rotation // 90, axes=(1, 2))


def difference(left: np.ndarray, right: np.ndarray) -> float:
    """Mean difference of two frames' or videos' pixels, of 255."""
    return float(np.abs(left.astype(np.int16) - right).mean())


def same_frames(clip: Clip) -> dict[str, float]:
    """Mean differences of a video's pixels, of 255.

    Raises: AssertionError if a frame is nearer to another one of a sequential read than to the one of its number.
    """
    ours = np.concatenate(list(read_frames(clip.path, clip.frames, SETTINGS["size"], clip.rotation)))
    reference = sequential(clip)
    assert ours.shape == reference.shape, clip.path
    for number, frame in enumerate(ours):
        near = range(max(0, number - 1), min(len(ours), number + 2))
        differences = {other: difference(frame, reference[other]) for other in near}
        assert differences[number] <= min(differences.values()), f"{clip.path}: {number}"
    by_pil = squashed_by_pil(full_size_frames(clip), SETTINGS["size"])
    stored = np.stack(
        [simplejpeg.decode_jpeg(jpeg) for jpeg in encode_jpegs(ours, SETTINGS["quality"], SETTINGS["chroma"])]
    )
    return {
        "mean difference from a sequential read [of 255]": difference(ours, reference),
        "mean difference from PIL's resize [of 255]": difference(ours, by_pil),
        "mean difference that JPEG makes [of 255]": difference(ours, stored),
    }


def parts(clip: Clip) -> dict[str, float]:
    """CPU seconds of the steps of extraction."""
    chunks: list[np.ndarray] = []
    works: dict[str, Callable[[], object]] = {
        "SHA-256": lambda: sha256_file(clip.path),
        "decode and squash": lambda: chunks.extend(
            read_frames(clip.path, clip.frames, SETTINGS["size"], clip.rotation)
        ),
        "JPEG": lambda: [encode_jpegs(chunk, SETTINGS["quality"], SETTINGS["chroma"]) for chunk in chunks],
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
        **pd.DataFrame([same_frames(clip) for clip in clips]).mean().to_dict(),
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

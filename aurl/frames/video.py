"""Read the frames of a video file in order, squashed and upright.

PyAV is the reference, and can read every file. decord is faster, and is trusted with plain files alone: whole mp4 without
fragments, AVI with its index, and Matroska; one video stream, none of whose packets is hidden; its count of frames, their
times and its first frame are PyAV's. It reads only from frame 0 on (its seeks give wrong frames on open-GOP H.264). On
fragmented mp4 and on AVI without an index it gives wrong frames in the middle, with the right count and first frame.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import decord
import numpy as np

from aurl.frames.containers import choose_stream, open_video, packets
from aurl.frames.fragments import is_fragmented
from aurl.frames.orientation import upright
from aurl.frames.probing import VideoProperties, one_line, probe
from aurl.frames.squashing import MATRICES
from aurl.frames.squashing import squashed as _squashed
from aurl.frames.structure import lacks_avi_index, structure_fault

__all__ = ["VideoProperties", "probe", "read_frames"]

CHUNK = 32  # frames
PLAIN = ("mov,mp4,m4a,3gp,3g2,mj2", "avi", "matroska,webm")  # FFmpeg's names of the containers left to decord
SAME_TIME = 0.002  # seconds
NO_TIME = -1e15  # seconds: smaller values stand for no time

decord.logging.set_level(decord.logging.FATAL)
av.logging.set_level(av.logging.PANIC)


def read_frames(
    path: Path, frames: int, size: int, rotation: int = 0, with_decord: bool = True
) -> Iterator[np.ndarray]:
    """Yield a video's frames in order, in chunks of at most 32: uint8 RGB (n, size, size, 3), upright, aspect not kept.

    FFmpeg's scaler squashes while it converts to RGB. Its filter is a triangle as wide as the reduction, like PIL's
    bilinear resize in the released code, but it works before the conversion and not after it. This avoids frames of
    full size; the difference is half of the loss of the stored JPEGs (docs/performance.md).

    Args:
        frames: the count by `probe`; exactly so many are yielded.
        size: height and width of the frames, in pixels.
        rotation: the orientation by `probe`.
        with_decord: use decord for the files that it reads correctly; else PyAV for all.
    Raises:
        ValueError: fewer frames could be decoded than `probe` counted.
    """
    chunks = _agreeing_decord(path, frames, size) if with_decord and not rotation else None
    for chunk in _read_with_pyav(path, frames, size) if chunks is None else chunks:
        yield upright(chunk, rotation)


def _agreeing_decord(path: Path, frames: int, size: int) -> Iterator[np.ndarray] | None:
    """Read the file with decord; None where its frames might not be PyAV's.

    decord takes no list of allowed containers, so a text file, which may be a playlist, is not passed to it.
    """
    with path.open("rb") as handle:
        begin = handle.read(8)
    if begin.isascii() and not begin.startswith((b"RIFF", b"FLV")):
        text = begin.decode().replace("\n", " ").replace("\r", " ")
        if text.isprintable():
            return None
    plain = _plain_times(path, size)
    if plain is None or len(plain[0]) != frames:
        return None
    times, reference = plain
    try:
        reader = decord.VideoReader(str(path.absolute()), width=size, height=size, num_threads=1)
        if len(reader) != frames or not _same_times(reader.get_frame_timestamp(range(frames))[:, 0], times):
            return None
        first = reader.get_batch(range(min(CHUNK, frames))).asnumpy()
    except (decord.DECORDError, OSError, RuntimeError):
        return None
    if first.shape[1:] != reference.shape:  # decord mistakes a row's padding for more channels, at sizes like 16
        return None
    agrees = np.abs(first[0].astype(np.int16) - reference).mean() <= 1
    return _read_with_decord(reader, first, frames) if agrees else None


def _plain_times(path: Path, size: int) -> tuple[np.ndarray, np.ndarray] | None:
    """List the times of a plain file's packets in order, in seconds, and squash its first frame.

    None for a file that decord might read wrongly.
    """
    if is_fragmented(path) or structure_fault(path) or lacks_avi_index(path):
        return None
    try:
        with open_video(path) as container:
            if container.format.name not in PLAIN or len(container.streams.video) != 1:
                return None
            stream = container.streams.video[0]
            if int(stream.codec_context.colorspace) not in MATRICES:
                return None
            stream.thread_type = "NONE"
            times: list[int | None] = []
            first: Any = None
            for packet in container.demux(stream):
                if packet.is_discard or packet.is_corrupt:
                    return None
                if packet.size:
                    times.append(packet.dts if packet.pts is None else packet.pts)
                if first is None:
                    first = next(iter(packet.decode()), None)
            base = float(stream.time_base)
            if first is None or None in times:
                return None
            reference = next(_squashed([first], size))
    except av.FFmpegError:
        return None
    return np.sort(np.array(times, np.float64)) * base, reference


def _same_times(left: np.ndarray, right: np.ndarray) -> bool:
    """Say whether frames follow each other at equal distances; where a file's time begins is not compared.

    True where decord lacks times: AVI holds none for frames between others.
    """
    if (left < NO_TIME).any():
        return True
    return bool(np.abs((left - left[0]) - (right - right[0])).max() <= SAME_TIME)


def _read_with_decord(reader: Any, first: np.ndarray, frames: int) -> Iterator[np.ndarray]:
    yield first
    for start in range(CHUNK, frames, CHUNK):
        yield reader.get_batch(range(start, min(start + CHUNK, frames))).asnumpy()


def _read_with_pyav(path: Path, frames: int, size: int) -> Iterator[np.ndarray]:
    chunk: list[np.ndarray] = []
    done = 0
    with open_video(path) as container:
        choice = choose_stream(path, container)
        if choice is None:
            raise ValueError("the file has no video stream")
        stream = container.streams[choice.index]
        stream.thread_type = "NONE"
        try:
            for image in _squashed(_frames(container, stream), size):
                chunk.append(image)
                done += 1
                if len(chunk) == CHUNK or done == frames:
                    yield np.stack(chunk)
                    chunk = []
                if done == frames:
                    return
        except MemoryError:
            raise
        except av.FFmpegError as error:
            raise ValueError(f"decoding stopped after {done} of {frames} frames: {one_line(error)}") from None
    raise ValueError(f"only {done} of {frames} frames could be decoded")


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    return (frame for packet in packets(container, stream) for frame in packet.decode())

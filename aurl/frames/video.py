"""Reads video files: their properties (`probe`), and their frames in order, squashed (`read_frames`).

PyAV is the reference. decord is faster, but it reads only from frame 0 on (its seeks gave wrong frames on open-GOP
H.264), and only a file whose frame count is PyAV's: it overstates the length of cut and of packed-bitstream files and
repeats frames to fill it. PyAV reads every other file; it squashes with the same filter to the same pixels.

A file from the internet is opened only as a container of video, whatever it claims to be: FFmpeg also reads playlists,
which name other files and addresses.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import decord
import numpy as np

CHUNK = 32  # frames
FORMATS = (  # FFmpeg's names of the containers that may be opened; none of them reads anything but its own file
    *("mov,mp4,m4a,3gp,3g2,mj2", "avi", "matroska,webm", "mpeg", "mpegts", "mpegvideo", "flv", "asf", "ogg"),
    *("m4v", "h264", "hevc", "ivf"),
)

decord.logging.set_level(decord.logging.FATAL)
av.logging.set_level(av.logging.PANIC)


@dataclass(frozen=True)
class VideoProperties:
    """The result of a full decode. `status` is ok, partial, empty, no-video or unreadable; `reason` says why."""

    status: str
    reason: str = ""
    frames: int = 0
    rate: float = 0.0
    duration: float = 0.0
    width: int = 0
    height: int = 0
    rotation: int = 0


def probe(path: Path) -> VideoProperties:
    """Decode a file from beginning to end and describe it; a bad file gets a status, not an exception.

    `partial`: the decoder stopped with an error, or found clearly fewer frames than the container
    announces. A difference of one or two frames is normal (XviD's packed bitstream, stream-copied cuts).
    Rate is in frames per second, duration in seconds, rotation in degrees anticlockwise as PyAV gives it.
    Raises:
        MemoryError: decoding needs more memory than this process may use.
    """
    try:
        if not path.is_file():
            return VideoProperties("unreadable", "no such file" if not path.exists() else "not a regular file")
        if path.stat().st_size == 0:
            return VideoProperties("empty", "the file has zero bytes")
        with _open(path) as container:
            if not container.streams.video:
                return VideoProperties("no-video", "the file has no video stream")
            return _decode_all(container)
    except MemoryError:
        raise
    except (av.FFmpegError, OSError, ValueError) as error:
        return VideoProperties("unreadable", _one_line(error))


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
        rotation: the rotation by `probe`, undone here and nowhere else (the readers differ).
        with_decord: use decord for the files that it reads correctly; else PyAV for all.
    Raises:
        ValueError: fewer frames could be decoded than `probe` counted.
    """
    reader = _agreeing_decord(path, frames, size) if with_decord and not rotation else None
    if reader is None:
        yield from _read_with_pyav(path, frames, size, rotation)
        return
    for start in range(0, frames, CHUNK):
        yield reader.get_batch(range(start, min(start + CHUNK, frames))).asnumpy()


def _decode_all(container: Any) -> VideoProperties:
    stream = container.streams.video[0]
    stream.thread_type = "NONE"
    frames, rotation, failure = 0, 0, ""
    try:
        for frame in container.decode(stream):
            rotation = frame.rotation if frames == 0 else rotation
            frames += 1
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        failure = f"decoding stopped after {frames} frames: {_one_line(error)}"
    rate = float(stream.average_rate or 0)
    properties = VideoProperties(
        "ok", "", frames, rate, frames / rate if rate else 0.0, stream.width, stream.height, rotation % 360
    )
    if frames == 0:
        return VideoProperties("unreadable", failure or "no frame could be decoded")
    announced, slack = _announced_frames(container, stream, rate)
    if not failure and announced - frames > slack:
        failure = f"{frames} frames decoded of about {announced} announced"
    return VideoProperties(**{**vars(properties), "status": "partial", "reason": failure}) if failure else properties


def _announced_frames(container: Any, stream: Any, rate: float) -> tuple[int, float]:
    """Read the frame count that the container states, and the difference that is still normal."""
    if stream.frames:
        return stream.frames, max(2, 0.02 * stream.frames)
    if container.duration and rate:
        estimate = round(container.duration / av.time_base * rate)
        return estimate, max(rate, 0.1 * estimate)
    return 0, 0


def _agreeing_decord(path: Path, frames: int, size: int) -> Any | None:
    """Open the file with decord; None where its frames would not be PyAV's.

    decord takes no list of allowed containers, so a text file, which may be a playlist, is not passed to it.
    """
    with path.open("rb") as handle:
        begin = handle.read(8)
    if begin.isascii() and not begin.startswith((b"RIFF", b"FLV")):
        text = begin.decode().replace("\n", " ").replace("\r", " ")
        if text.isprintable():
            return None
    try:
        reader = decord.VideoReader(str(path.absolute()), width=size, height=size, num_threads=1)
        if len(reader) != frames:
            return None
        first = reader[0].asnumpy()
        reader.seek(0)
    except (decord.DECORDError, OSError, RuntimeError):
        return None
    reference = next(_read_with_pyav(path, 1, size, 0))[0]
    if first.shape != reference.shape:  # decord mistakes a row's padding for more channels, at sizes like 16
        return None
    return reader if np.abs(first.astype(np.int16) - reference).mean() <= 1 else None


def _read_with_pyav(path: Path, frames: int, size: int, rotation: int) -> Iterator[np.ndarray]:
    chunk: list[np.ndarray] = []
    done = 0
    with _open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        try:
            for image in _squashed(container.decode(stream), size):
                chunk.append(np.rot90(image, rotation // 90))
                done += 1
                if len(chunk) == CHUNK or done == frames:
                    yield np.stack(chunk)
                    chunk = []
                if done == frames:
                    return
        except MemoryError:
            raise
        except av.FFmpegError as error:
            raise ValueError(f"decoding stopped after {done} of {frames} frames: {_one_line(error)}") from None
    raise ValueError(f"only {done} of {frames} frames could be decoded")


def _squashed(frames: Iterable[av.VideoFrame], size: int) -> Iterator[np.ndarray]:
    """Yield frames as RGB (size, size, 3), by decord's filter; their size and format may change within a video."""
    graph, kind = None, None
    for frame in frames:
        if graph is None or kind != (frame.width, frame.height, frame.format.name):
            kind = (frame.width, frame.height, frame.format.name)
            graph = av.filter.Graph()
            source = graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
            )
            scale = graph.add("scale", f"{size}:{size}:flags=bilinear")
            graph.link_nodes(source, scale, graph.add("format", "rgb24"), graph.add("buffersink")).configure()
        graph.push(frame)
        squashed = graph.pull()
        assert isinstance(squashed, av.VideoFrame)
        yield squashed.to_ndarray()


def _open(path: Path) -> Any:
    """Open with PyAV; HMDB51 has metadata that is not UTF-8.

    The path is absolute: FFmpeg mistakes a relative one with a colon ("concat:a") for an address.
    """
    options = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}
    return av.open(str(path.absolute()), options=options, metadata_errors="replace")


def _one_line(error: Exception) -> str:
    """Describe an error without the file's path: a manifest repeats the text, and must not depend on the machine."""
    if isinstance(error, av.FFmpegError):
        detail = f"; {error.log[-1]}" if error.log else ""
        return " ".join(f"{type(error).__name__}: {error.strerror}{detail}".split())
    return f"{type(error).__name__}: {error}".splitlines()[0]

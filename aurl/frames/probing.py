"""Describe a video file by a full decode: its status, its properties, and what was found on the way.

The status follows from what the demuxer and the decoder report: errors, damaged packets and frames, packets that give no
frame. How many frames or seconds a header promises does not count, since whole files have wrong headers. Exceptions are
the video track's own length (AVI, Matroska), the length that FLV and fragmented mp4 state for picture and sound
together, and the container's parts (`structure`).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from aurl.frames.containers import Choice, choose_stream, open_video, packets
from aurl.frames.decoded import (
    JPEG_SCAN,
    LOST,
    LOST_SHARE,
    SHORT_SECONDS,
    SHORT_SHARE,
    STRICT,
    Decoded,
    errors_of_ffmpeg,
)
from aurl.frames.fragments import is_fragmented, stated_seconds
from aurl.frames.gaps import lacks_frames_before_last
from aurl.frames.orientation import MIRRORED
from aurl.frames.remarks import CUT
from aurl.frames.squashing import Squasher
from aurl.frames.structure import structure_fault

TRIED_SIZE = 16  # pixels: the scaler is tried on the first frame of each kind
WITHOUT_LENGTH = ("mpegts", "mpeg", "flv")  # containers that need not say how long they are; fragments need not either
SLACK_FRAMES = 1.5  # of the length that FLV and fragmented mp4 state: FFmpeg states up to one frame more


@dataclass(frozen=True)
class VideoProperties:
    """The result of a full decode.

    `status` is ok, partial, empty, no-video or unreadable; `reason` says why. With ok, it says what is unusual: which
    of several streams was read, or that the picture is mirrored. `rate` and `duration` are 0 where they are unknown.
    """

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

    Rate is in frames per second, duration in seconds; rotation is by `orientation`. The scaler is tried on the way, so
    that what is ok here can be extracted.
    Raises:
        MemoryError: decoding needs more memory than this process may use.
    """
    try:
        if not path.is_file():
            return VideoProperties("unreadable", "no such file" if not path.exists() else "not a regular file")
        if path.stat().st_size == 0:
            return VideoProperties("empty", "the file has zero bytes")
        with open_video(path) as container:
            choice = choose_stream(path, container)
            if choice is None:
                cover = " but a cover" if container.streams.video else ""
                return VideoProperties("no-video", f"the file has no video stream{cover}")
            return _decode_all(path, container, choice)
    except MemoryError:
        raise
    except (av.FFmpegError, OSError, ValueError) as error:
        return VideoProperties("unreadable", one_line(error))


def one_line(error: Exception) -> str:
    """Describe an error without the file's path: a manifest repeats the text, and must not depend on the machine."""
    if isinstance(error, av.FFmpegError):
        detail = f"; {error.log[-1]}" if error.log else ""
        return " ".join(f"{type(error).__name__}: {error.strerror}{detail}".split())
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _decode_all(path: Path, container: Any, choice: Choice) -> VideoProperties:
    stream = container.streams[choice.index]
    if stream.codec_context is None:
        return VideoProperties("unreadable", "FFmpeg has no decoder for the video's codec")
    stream.thread_type = "NONE"
    decoded, failure = Decoded(strict=stream.codec_context.name in STRICT, joined=container.format.name == "mpegts"), ""
    try:
        with errors_of_ffmpeg() as messages:
            _decode(container, stream, decoded)
        decoded.messages += messages
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        failure = f"decoding stopped after {decoded.frames} frames: {one_line(error)}"
    if decoded.frames == 0:
        return VideoProperties("unreadable", failure or "no frame could be decoded")
    failure = failure or decoded.fault() or _missing_end(path, container, stream, decoded)
    remarks = [] if failure else decoded.remarks(*_of_header(container, stream))
    mirrored = "shown mirrored, as its display matrix says" if decoded.rotation >= MIRRORED else ""
    reason = "; ".join(part for part in (failure, choice.remark, *remarks, mirrored) if part)
    rate, duration = _rate_and_duration(container, stream, decoded)
    return VideoProperties(
        "partial" if failure else "ok", reason, decoded.frames, rate, duration, stream.width, stream.height,
        decoded.rotation,
    )  # fmt: skip


def _decode(container: Any, stream: Any, decoded: Decoded) -> None:
    """Decode a stream to its end. Raises: av.FFmpegError, ValueError, MemoryError."""
    squasher, of_jpegs = Squasher(TRIED_SIZE), stream.codec_context.name == "mjpeg"
    index = stream.index
    for packet in packets(container):
        if packet.stream.index != index:  # the last, empty packet has another stream_index
            decoded.add_other(packet)
            continue
        if packet.size:
            decoded.add_packet(packet)
            if of_jpegs and JPEG_SCAN not in bytes(packet):
                decoded.messages.append(("mjpeg", "a picture without content"))
        for frame in packet.decode():
            squasher.try_kind(frame)
            decoded.add_frame(frame)


def _missing_end(path: Path, container: Any, stream: Any, decoded: Decoded) -> str:
    """Say whether parts of the file are missing, or it ends before the length that it states itself."""
    kind, fragmented = container.format.name, is_fragmented(path)
    if kind != "gif" and not fragmented and stream.frames and len(decoded.packet_times) >= stream.frames:
        return ""
    decoded_so_far = f"{decoded.frames} frames decoded"
    if fault := structure_fault(path):
        return f"{fault}; {decoded_so_far}"
    end, stated, slack = _lengths(path, container, stream, decoded)
    if stated - end > slack:
        return f"the video ends after {end:.2f} of {stated:.2f} s; {decoded_so_far}"
    if kind in WITHOUT_LENGTH or fragmented:
        if any(damaged for _, damaged in decoded.others.values()):
            return f"{CUT} in its sound; {decoded_so_far}"
        if lacks_frames_before_last(decoded.packet_times):
            return f"{CUT}: frames before the last one are missing; {decoded_so_far}"
    return ""


def _lengths(path: Path, container: Any, stream: Any, decoded: Decoded) -> tuple[float, float, float]:
    """Return where the file ends, the length that it states, and how much may be missing; all in seconds."""
    kind, end = container.format.name, decoded.end
    if kind == "avi" and stream.average_rate:
        slack = max(LOST, LOST_SHARE * stream.frames) / float(stream.average_rate)
        return end, float(stream.frames / stream.average_rate), slack
    if "matroska" in kind:
        stated = _tagged_seconds(stream.metadata.get("DURATION", ""))
        return end, stated, max(SHORT_SECONDS, SHORT_SHARE * stated, decoded.largest_gap)
    end = max([end, *(other for other, _ in decoded.others.values())])
    # of an FLV that states no length, FFmpeg takes the last tag's time
    stated = (container.duration or 0) / av.time_base if kind == "flv" else stated_seconds(path)
    return end, stated, decoded.largest_gap * SLACK_FRAMES or SHORT_SECONDS


def _of_header(container: Any, stream: Any) -> tuple[int, float]:
    """Return the frames that an AVI's header states, and the seconds that an mp4's track states; 0 for others."""
    frames = stream.frames if container.format.name == "avi" else 0
    in_mp4 = container.format.name.startswith("mov") and stream.frames and stream.duration
    return frames, float(stream.duration * stream.time_base) if in_mp4 else 0.0


def _rate_and_duration(container: Any, stream: Any, decoded: Decoded) -> tuple[float, float]:
    """Return the stated rate where the frames' times agree with it, else the mean rate of these times."""
    rate, seconds = float(stream.average_rate or 0), decoded.seconds
    stated = decoded.frames / rate if rate else 0.0
    if rate and abs(stated - seconds) <= max(LOST / rate, LOST_SHARE * stated):
        return rate, stated
    if seconds:
        return decoded.frames / seconds, seconds
    return (rate, stated) if container.format.name == "avi" else (0.0, 0.0)


def _tagged_seconds(text: str) -> float:
    """Read a duration as Matroska's tags have it, 00:00:03.000000000; 0 for any other text."""
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", text)
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else 0.0

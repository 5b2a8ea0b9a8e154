"""Describe a video file by a full decode: its status, its properties, and what was found on the way.

The status follows from what the demuxer and the decoder report: errors, damaged packets and frames, packets that give no
frame. How many frames or seconds a header promises does not count, since whole files have wrong headers. Only the
video track's own length does (AVI, Matroska), and parts whose end is missing (`endings`).
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from aurl.frames.containers import Choice, choose_stream, open_video
from aurl.frames.endings import CUT, is_cut_off
from aurl.frames.orientation import MIRRORED, orientation
from aurl.frames.squashing import Squasher

TRIED_SIZE = 16  # pixels: the scaler is tried on the first frame of each kind
SMALL_PACKET = 32  # bytes: smaller packets may say "as before" and give no frame
FIELDS = 2  # packets of a frame in interlaced video
LOST, LOST_SHARE = 2, 0.02  # frames that may be missing without being a fault (XviD's packed bitstream)
SHORT_SECONDS, SHORT_SHARE = 0.5, 0.05  # of a Matroska track's stated length


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


@dataclass
class Decoded:
    """Collects what the demuxer and the decoder report about one stream. Times are in seconds."""

    frames: int = 0
    damaged_frames: int = 0
    damaged_packets: int = 0
    rotation: int = 0
    packet_times: list[float] = field(default_factory=list)  # of packets that should give a frame
    end: float = 0.0  # of the last packet
    first: float | None = None  # the first frame's time
    last: float | None = None
    last_duration: float = 0.0
    largest_gap: float = 0.0
    in_order: bool = True
    interlaced: bool = False

    def add_packet(self, packet: Any) -> None:
        """Count a packet."""
        self.damaged_packets += packet.is_corrupt
        time = _seconds(packet.pts if packet.pts is not None else packet.dts, packet.time_base)
        if time is not None:
            self.end = max(self.end, time + (_seconds(packet.duration, packet.time_base) or 0))
        if packet.size > SMALL_PACKET and not packet.is_discard:
            self.packet_times.append(float("inf") if time is None else time)

    def add_frame(self, frame: Any) -> None:
        """Count a frame."""
        if self.frames == 0:
            self.rotation = orientation(frame)
        self.frames += 1
        self.damaged_frames += frame.is_corrupt
        self.interlaced |= frame.interlaced_frame
        time = _seconds(frame.pts, frame.time_base)
        if time is None or (self.last is not None and time <= self.last):
            self.in_order = False
            return
        self.first = time if self.first is None else self.first
        self.largest_gap = max(self.largest_gap, time - (time if self.last is None else self.last))
        self.last, self.last_duration = time, _seconds(frame.duration, frame.time_base) or 0

    @property
    def seconds(self) -> float:
        """The time from the first frame's begin to the last one's end; 0 if the frames' times do not tell."""
        if not self.in_order or self.first is None or self.last is None:
            return 0.0
        shown = self.last - self.first
        return shown + (self.last_duration or (shown / (self.frames - 1) if self.frames > 1 else 0))

    def fault(self) -> str:
        """Say what is wrong with the stream as it was decoded; empty if nothing is."""
        if self.damaged_packets:
            return f"{self.damaged_packets} damaged packets in the file"
        if self.damaged_frames:
            return f"the decoder reports damage in {self.damaged_frames} of {self.frames} frames"
        expected = sum(time >= (self.first or 0) for time in self.packet_times)  # before: its reference is missing
        lost = expected - self.frames * (FIELDS if self.interlaced else 1)
        if lost > max(LOST, LOST_SHARE * expected):
            return f"{lost} of {expected} packets gave no frame"
        return ""


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
    stream.thread_type = "NONE"
    decoded, squasher, failure = Decoded(), Squasher(TRIED_SIZE), ""
    try:
        for packet in container.demux(stream):
            if packet.size:
                decoded.add_packet(packet)
            for frame in packet.decode():
                squasher.try_kind(frame)
                decoded.add_frame(frame)
    except MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        failure = f"decoding stopped after {decoded.frames} frames: {one_line(error)}"
    if decoded.frames == 0:
        return VideoProperties("unreadable", failure or "no frame could be decoded")
    failure = failure or decoded.fault() or _missing_end(path, container, stream, decoded)
    mirrored = "shown mirrored, as its display matrix says" if decoded.rotation >= MIRRORED else ""
    reason = "; ".join(part for part in (failure, choice.remark, mirrored) if part)
    rate, duration = _rate_and_duration(container, stream, decoded)
    return VideoProperties(
        "partial" if failure else "ok", reason, decoded.frames, rate, duration, stream.width, stream.height,
        decoded.rotation,
    )  # fmt: skip


def _missing_end(path: Path, container: Any, stream: Any, decoded: Decoded) -> str:
    """Say whether the file, or its video track, ends before the length that it states itself."""
    if container.format.name != "gif" and stream.frames and len(decoded.packet_times) >= stream.frames:
        return ""
    if is_cut_off(path):
        return f"{CUT}; {decoded.frames} frames decoded"
    stated, slack = 0.0, 0.0
    if container.format.name == "avi" and stream.average_rate:
        stated = float(stream.frames / stream.average_rate)
        slack = max(LOST, LOST_SHARE * stream.frames) / float(stream.average_rate)
    elif "matroska" in container.format.name:
        stated = _tagged_seconds(stream.metadata.get("DURATION", ""))
        slack = max(SHORT_SECONDS, SHORT_SHARE * stated, decoded.largest_gap)
    if stated - decoded.end > slack:
        return f"the video ends after {decoded.end:.2f} of {stated:.2f} s; {decoded.frames} frames decoded"
    return ""


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


def _seconds(time: int | None, base: Any) -> float | None:
    return None if time is None or base is None else float(time * base)

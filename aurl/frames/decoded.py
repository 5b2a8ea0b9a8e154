"""Collect what FFmpeg's demuxer and decoder report about a video stream while it is decoded."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import av

from aurl.frames.orientation import orientation

SMALL_PACKET, SMALL_STRICT_PACKET = 32, 12  # bytes: such packets may say "as before" and give no frame
FIELDS = 2  # packets of a frame in interlaced video
LOST, LOST_SHARE = 2, 0.02  # frames that may be missing without being a fault (XviD's packed bitstream)
STRICT = {"h264", "hevc", "vp8", "vp9", "av1", "mjpeg", "mpeg1video", "mpeg2video"}  # codecs of which none may
SHORT_SECONDS, SHORT_SHARE = 0.5, 0.05  # of the length that a header states
XVID_MORE = 1  # frames that the headers of HMDB51's files state too many
OF_DAMAGE = {"mjpeg": "", "matroska,webm": "Invalid"}  # whose messages alone show damaged or lost pictures
JPEG_SCAN = b"\xff\xda"


@dataclass
class Decoded:
    """Collects what the demuxer and the decoder report about one stream. Times are in seconds."""

    frames: int = 0
    damaged_frames: int = 0
    damaged_packets: int = 0
    hidden_packets: int = 0  # by an edit list
    messages: list[tuple[str, str]] = field(default_factory=list)  # FFmpeg's errors: who says it, what
    rotation: int = 0
    packet_times: list[float] = field(default_factory=list)  # of packets that should give a frame
    end: float = 0.0  # of the last packet
    first: float | None = None  # the first frame's time
    last: float | None = None
    last_duration: float = 0.0
    largest_gap: float = 0.0
    in_order: bool = True
    interlaced: bool = False
    strict: bool = False  # every packet must give a frame
    joined: bool = False  # files may be joined: only the last packet's mark of damage counts
    others: dict[int, tuple[float, bool]] = field(default_factory=dict)  # the last packet: its end, is it damaged

    def add_other(self, packet: Any) -> None:
        """Count a packet of another stream."""
        end, _ = self.others.get(packet.stream.index, (0.0, False))
        self.others[packet.stream.index] = max(end, end_of(packet)), packet.is_corrupt

    def add_packet(self, packet: Any) -> None:
        """Count a packet."""
        self.damaged_packets = packet.is_corrupt + (0 if self.joined else self.damaged_packets)
        self.hidden_packets += packet.is_discard
        time = in_seconds(packet.pts if packet.pts is not None else packet.dts, packet.time_base)
        self.end = max(self.end, end_of(packet))
        if packet.size > (SMALL_STRICT_PACKET if self.strict else SMALL_PACKET) and not packet.is_discard:
            self.packet_times.append(float("inf") if time is None else time)

    def add_frame(self, frame: Any) -> None:
        """Count a frame."""
        if self.frames == 0:
            self.rotation = orientation(frame)
        self.frames += 1
        self.damaged_frames += frame.is_corrupt
        self.interlaced |= frame.interlaced_frame
        time = in_seconds(frame.pts, frame.time_base)
        if time is None or (self.last is not None and time <= self.last):
            self.in_order = False
            return
        self.first = time if self.first is None else self.first
        self.largest_gap = max(self.largest_gap, time - (time if self.last is None else self.last))
        self.last, self.last_duration = time, in_seconds(frame.duration, frame.time_base) or 0

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
        if damage := [text for speaker, text in self.messages if text.startswith(OF_DAMAGE.get(speaker, ()))]:
            return f"FFmpeg reports damage: {damage[0]}"
        lost, expected = self._lost()
        return self._said_lost() if lost > (0 if self.strict else max(LOST, LOST_SHARE * expected)) else ""

    def remarks(self, stated_frames: int, stated_seconds: float) -> list[str]:
        """Say what is unusual in a whole file, also against the header's numbers, 0 where it has none."""
        fewer = stated_frames - self.frames > (0 if self.strict else XVID_MORE) and self._said_lost() == ""
        shorter = stated_seconds - self.end > max(SHORT_SECONDS, SHORT_SHARE * stated_seconds, self.largest_gap)
        return [
            self._said_lost(),
            f"the header states {stated_frames} frames" if fewer else "",
            f"the header states {stated_seconds:.2f} s" if shorter else "",
            f"FFmpeg reports an error: {self.messages[0][1]}" if self.messages else "",
            f"{self.hidden_packets} packets are hidden by an edit list" if self.hidden_packets else "",
        ]

    def _said_lost(self) -> str:
        lost, expected = self._lost()
        return f"{lost} of {expected} packets gave no frame" if lost > 0 else ""

    def _lost(self) -> tuple[int, int]:
        """Count the packets without a frame, and those that should give one; none before the first frame do."""
        expected = sum(time >= (self.first or 0) for time in self.packet_times)
        in_fields = self.interlaced and expected > self.frames * (1 + FIELDS) / 2
        return expected - self.frames * (FIELDS if in_fields else 1), expected


@contextlib.contextmanager
def errors_of_ffmpeg() -> Iterator[list[tuple[str, str]]]:
    """Collect FFmpeg's messages of errors in this thread, as (who says it, what); read them when the block has ended."""
    messages: list[tuple[str, str]] = []
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)  # else a message of the last file is not repeated for this one
    try:
        with av.logging.Capture(local=True) as captured:
            yield messages
        messages += [(speaker, " ".join(text.split())) for _, speaker, text in captured]
    finally:
        av.logging.set_level(before)


def end_of(packet: Any) -> float:
    """Return a packet's last moment in seconds; 0 without a time."""
    time = in_seconds(packet.pts if packet.pts is not None else packet.dts, packet.time_base)
    return 0.0 if time is None else time + (in_seconds(packet.duration, packet.time_base) or 0)


def in_seconds(time: int | None, base: Any) -> float | None:
    """Convert a time from a stream's units; None without one."""
    return None if time is None or base is None else float(time * base)

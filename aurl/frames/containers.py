"""Open a video file, choose the stream to read, and look for fragments.

A file from the internet is opened only as a container of video, whatever it claims to be: FFmpeg also reads playlists,
which name other files and addresses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.stream import Disposition

FORMATS = (  # FFmpeg's names of the containers that may be opened; none of them reads anything but its own file
    *("mov,mp4,m4a,3gp,3g2,mj2", "avi", "matroska,webm", "mpeg", "mpegts", "mpegvideo", "flv", "asf", "ogg"),
    *("m4v", "h264", "hevc", "ivf", "gif"),
)
PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails  # covers and previews
FIRST_BOXES = {b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"sidx", b"pdin"}
FRAGMENTS = {b"moof", b"sidx", b"styp"}
LARGE = 1  # a box of mp4 whose size follows as 64 bits


@dataclass(frozen=True)
class Choice:
    """A video stream, and a remark where the file has several."""

    index: int
    remark: str = ""


def open_video(path: Path) -> Any:
    """Open a file with PyAV. HMDB51 has metadata that is not UTF-8.

    The path is absolute: FFmpeg mistakes a relative one with a colon ("concat:a") for an address.
    """
    options = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}
    return av.open(str(path.absolute()), options=options, metadata_errors="replace")


def choose_stream(path: Path, container: Any) -> Choice | None:
    """Choose the video stream that FFmpeg chooses, but no cover and no preview of one picture; None without one.

    FFmpeg (`av_find_best_stream`) prefers the default stream, then more frames at the beginning, then more bits.
    """
    videos = [stream for stream in container.streams.video if not Disposition(stream.disposition) & PICTURES]
    if not videos:
        return None
    if len(videos) > 1:
        moving = _moving(path, [stream.index for stream in videos])
        videos = [stream for stream in videos if stream.index in moving] or videos
    best = container.streams.best("video")
    chosen = best if best is not None and best.index in [stream.index for stream in videos] else max(videos, key=_rank)
    several = len(container.streams.video)
    if several == 1:
        return Choice(chosen.index)
    size = f"{chosen.codec_context.name}, {chosen.width}x{chosen.height}"
    return Choice(chosen.index, f"of {several} video streams, stream {chosen.index} is used ({size})")


def is_fragmented(path: Path) -> bool:
    """Say whether a file is an mp4 in fragments (DASH, HLS, low latency).

    True also for boxes of mp4 that cannot be followed: nothing is known about such a file.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        if handle.read(8)[4:] not in FIRST_BOXES:
            return False
        try:
            for kind, begin, end in boxes(handle, 0, size):
                inside = boxes(handle, begin, min(end, size)) if kind == b"moov" else ()
                if kind in FRAGMENTS or any(inner == b"mvex" for inner, *_ in inside):
                    return True
        except ValueError:
            return True
    return False


def boxes(handle: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the boxes of an mp4 between two places: kind, begin of the content, end; the last may go beyond.

    Raises: ValueError for an impossible size.
    """
    while begin + 8 <= end:
        handle.seek(begin)
        header = handle.read(16)
        length, kind, content = int.from_bytes(header[:4], "big"), header[4:8], begin + 8
        if length == LARGE:
            length, content = int.from_bytes(header[8:], "big"), begin + 16
        elif length == 0:  # up to the end of the file
            length = end - begin
        if begin + length < content:
            raise ValueError(f"a box of {length} bytes")
        yield kind, content, begin + length
        begin += length


def _moving(path: Path, candidates: list[int]) -> set[int]:
    """Find the streams that have more than one picture, by reading packets until all are known."""
    seen, moving = set[int](), set[int]()
    with open_video(path) as container:
        try:
            for packet in container.demux([container.streams[index] for index in candidates]):
                if packet.size and not packet.is_discard:
                    (moving if packet.stream.index in seen else seen).add(packet.stream.index)
                if len(moving) == len(candidates):
                    break
        except av.FFmpegError:
            pass  # what was read so far tells enough
    return moving


def _rank(stream: Any) -> tuple[bool, int, int]:
    default = bool(Disposition(stream.disposition) & Disposition.default)
    return default, stream.width * stream.height, -stream.index

"""Open a video file, and choose the stream to read.

A file from the internet is opened only as a container of video, whatever it claims to be: FFmpeg also reads playlists,
which name other files and addresses.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

FORMATS = (  # FFmpeg's names of the containers that may be opened; none of them reads anything but its own file
    *("mov,mp4,m4a,3gp,3g2,mj2", "avi", "matroska,webm", "mpeg", "mpegts", "mpegvideo", "flv", "asf", "ogg"),
    *("m4v", "h264", "hevc", "ivf", "gif"),
)
PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails  # covers and previews


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


def packets(container: Any, *streams: Any) -> Iterator[Any]:
    """Yield the packets of streams, all of them without any, and at the end an empty one of each.

    PyAV stumbles at the end over a stream that appeared behind the header (FLV, MPEG-TS); ours has ended then.
    """
    with contextlib.suppress(IndexError):
        yield from container.demux(*streams)


def _moving(path: Path, candidates: list[int]) -> set[int]:
    """Find the streams that have more than one picture, by reading packets until all are known."""
    seen, moving = set[int](), set[int]()
    with open_video(path) as container:
        try:
            for packet in packets(container, [container.streams[index] for index in candidates]):
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

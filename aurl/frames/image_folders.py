"""Read a video that is a folder of images, one for each frame, in the order of the numbers in their names."""

import re
from pathlib import Path
from typing import cast

import av

from aurl.frames.packing import encode_jpegs
from aurl.frames.probing import VideoProperties, one_line
from aurl.frames.squashing import Squasher

CODECS = {".jpg": "mjpeg", ".jpeg": "mjpeg", ".png": "png"}  # ending -> FFmpeg's decoder
MOST_BYTES = 64 << 20  # of an image


def image_files(folder: Path) -> list[Path]:
    """List the images of a folder in the order of frames: 2.jpg before 10.jpg. Hidden files are left out."""
    images = [path for path in folder.iterdir() if path.suffix.lower() in CODECS and not path.name.startswith(".")]
    return sorted(images, key=lambda path: (_numbered(path.name), path.name))


def decode_images(folder: Path, size: int, quality: int, chroma: str) -> tuple[VideoProperties, list[bytes]]:
    """Decode a folder of images and pack its frames as JPEG, squashed to (size, size).

    The first image that cannot be read ends the video, as damage ends a video file.
    """
    squasher, frames, reason = Squasher(size), list[bytes](), ""
    files = image_files(folder)
    for path in files:
        try:
            frames += encode_jpegs(squasher.squash(read_image(path))[None], quality, chroma)
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = f"{path.name}, image {len(frames) + 1} of {len(files)}: {one_line(error)}"
            break
    if not frames:
        return VideoProperties("unreadable", reason or "a folder without JPEG or PNG images"), []
    return VideoProperties("partial" if reason else "ok", reason, len(frames)), frames


def read_image(path: Path) -> av.VideoFrame:
    """Decode one JPEG or PNG. Raises: ValueError, OSError or av.FFmpegError for an unusable file."""
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise ValueError("no regular file, or too large")
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(CODECS[path.suffix.lower()], "r"))
    decoder.thread_type = "NONE"
    frames = [*decoder.decode(av.Packet(path.read_bytes())), *decoder.decode(None)]
    if not frames or frames[0].is_corrupt:
        raise ValueError("no image, or a damaged one")
    return frames[0]


def _numbered(name: str) -> list[tuple[int, str]]:
    """Split a name into numbers and texts, which compare by value."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]

"""Make video files of kinds that are easily read wrongly; every frame tells its own number and which way is up."""

import io
import struct
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

WIDTH, HEIGHT, RATE = 96, 64, 25
VP8 = {"b": "20M", "qmax": "10", "auto-alt-ref": "0", "lag-in-frames": "0"}
SPARSE = [0, 3, 4, 9, 12, 13, 19, 22, 27, 30, 31, 37, 41, 44, 50, 52, 57, 60, 66, 69]  # times, in frames


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Draw a smooth picture for a number, with a bright spot above on the left: uint8 (height, width, 3)."""
    x, y = np.arange(width) / width, np.arange(height)[:, None] / height
    waves = np.cos(2 * np.pi * (x + 0.1317 * number)) + np.cos(2 * np.pi * (y + 0.2893 * number))
    tint = 15 * np.cos(2 * np.pi * (0.0719 * number + np.array([0, 0.33, 0.67])))
    spot = 60 * np.exp(-(((x - 0.2) / 0.15) ** 2) - ((y - 0.25) / 0.15) ** 2)
    image = 110 + 40 * waves[..., None] + tint + spot[..., None]
    return np.asarray(image.clip(0, 255).astype(np.uint8))


def write(
    path: Path,
    numbers: Iterable[int] = range(20),
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    *,
    muxer: dict[str, str] | None = None,
    container: str | None = None,
    times: list[int] | None = None,
    sound: str = "",
    start: int = 0,
    pix_fmt: str = "yuv420p",
) -> Path:
    """Encode pictures into a file.

    Args:
        times: the pictures' times in frames; one after the other without it.
        sound: an encoder; 6 seconds of silence are written.
        start: the first picture's time, in frames.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=container, options=muxer or {}) as target:
        stream = _add_stream(target, codec, options, pix_fmt)
        audio: Any = target.add_stream(sound, rate=48000, layout="mono") if sound else None
        _encode(target, stream, numbers, times, start)
        if audio is not None:
            _write_silence(target, audio, 6)
    return path


def copy_from(path: Path, source: Path, first: int) -> Path:
    """Copy packets from the key frame before picture `first`; mp4 hides the lead-in with an edit list."""
    with av.open(str(source)) as given, av.open(str(path), "w") as copy:
        stream = given.streams.video[0]
        out = copy.add_stream_from_template(stream)
        packets = [packet for packet in given.demux(stream) if packet.dts is not None]
        zero = round(Fraction(first, RATE) / stream.time_base)
        key = [place for place, packet in enumerate(packets) if packet.is_keyframe and packet.pts <= zero][-1]
        for packet in packets[key:]:
            packet.pts, packet.dts, packet.stream = packet.pts - zero, packet.dts - zero, out
            copy.mux(packet)
    source.unlink()
    return path


def set_matrix(path: Path, a: float, b: float, c: float, d: float) -> Path:
    """Write a display matrix into the header of an mp4's only track."""
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    rows = [round(value * 65536) for value in (a, b, 0, c, d, 0, 0, 0)]
    content[place : place + 36] = struct.pack(">9i", *rows, 1 << 30)
    path.write_bytes(bytes(content))
    return path


def turned(path: Path, degrees: float, mirrored: bool = False, **how: Any) -> Path:
    """Write a file whose matrix turns the picture clockwise, and then mirrors it left-right."""
    cosine, sine = float(np.cos(np.deg2rad(degrees))), float(np.sin(np.deg2rad(degrees)))
    sign = -1 if mirrored else 1
    return set_matrix(write(path, **how), sign * cosine, sine, -sign * sine, cosine)


def two_streams(path: Path, first: tuple[str, Iterable[int]], second: tuple[str, Iterable[int]]) -> Path:
    """Write two video streams, each given by encoder and pictures; the second one is the default."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as target:
        streams = []
        for place, (codec, _) in enumerate((first, second)):
            stream = _add_stream(target, codec, {}, "yuvj420p" if codec == "mjpeg" else "yuv420p")
            stream.disposition = av.stream.Disposition(place)
            streams.append(stream)
        for stream, (_, numbers) in zip(streams, (first, second), strict=True):
            _encode(target, stream, numbers)
    return path


def with_cover(path: Path) -> Path:
    """Write an mp4 with a JPEG cover in front of its tracks."""
    write(path)
    held = io.BytesIO()
    with av.open(held, "w", format="image2pipe") as target:
        _encode(target, _add_stream(target, "mjpeg", {}, "yuvj420p"), [777])
    data = _box(b"data", struct.pack(">II", 13, 0) + held.getvalue())
    handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    user = _box(b"udta", _box(b"meta", bytes(4) + handler + _box(b"ilst", _box(b"covr", data))))
    content = path.read_bytes()
    moov = content.rindex(b"moov") - 4
    header = moov + 8 + int.from_bytes(content[moov + 8 : moov + 12], "big")  # behind mvhd
    size = int.from_bytes(content[moov : moov + 4], "big") + len(user)
    path.write_bytes(content[:moov] + size.to_bytes(4, "big") + content[moov + 4 : header] + user + content[header:])
    return path


def shortened(path: Path, share: float) -> Path:
    """Keep the first part of a file's bytes."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def _add_stream(target: Any, codec: str, options: dict[str, str] | None, pix_fmt: str) -> Any:
    given = {"threads": "1", **(options or {})}
    if codec == "libx264":  # B-frames, and key frames where they are asked for
        given = {"crf": "16", "bf": "2", "sc_threshold": "0", "b_strategy": "0", **given}
    if codec == "libx265":
        fixed = "log-level=none:pools=1:frame-threads=1:scenecut=0:b-adapt=0:bframes=2"
        given = {"crf": "16", **given, "x265-params": f"{fixed}:{given.get('x265-params', '')}".rstrip(":")}
    stream = target.add_stream(codec, rate=Fraction(RATE), options=given)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix_fmt
    return stream


def _encode(target: Any, stream: Any, numbers: Iterable[int], times: list[int] | None = None, start: int = 0) -> None:
    for position, number in enumerate(numbers):
        frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
        frame.time_base, frame.pts = Fraction(1, RATE), start + (times[position] if times else position)
        target.mux(stream.encode(frame))
    target.mux(stream.encode())


def _write_silence(target: Any, stream: Any, seconds: int) -> None:
    kind = stream.codec_context.format.name
    for done in range(0, seconds * 48000, 960):
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 960), np.float32 if "flt" in kind else np.int16), format=kind, layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = 48000, done, Fraction(1, 48000)
        target.mux(stream.encode(frame))
    target.mux(stream.encode())


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content

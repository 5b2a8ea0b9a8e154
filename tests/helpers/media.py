"""The tests' own media, made by real encoders. Run as a script: python tests/helpers/media.py FOLDER."""

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np


def pattern(frames: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Frames that tell their own number: a bright column that moves, over a smooth slope; uint8 (frames, h, w, 3)."""
    images = np.zeros((frames, height, width, 3), np.uint8)
    images[..., 1] = np.linspace(0, 120, height, dtype=np.uint8)[:, None]
    for number in range(frames):
        column = number * 4 % width
        images[number, :, column : column + 4] = (250, 40, 200)
    return images


def write_video(
    path: Path,
    images: np.ndarray,
    encoder: str,
    options: dict[str, str] | None = None,
    tag: str = "",
    audio: bool = False,
) -> Path:
    """Encode frames at 25 per second; the container follows from the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(encoder, rate=Fraction(25), options={"threads": "1", **(options or {})})
        stream.height, stream.width = images.shape[1:3]
        stream.pix_fmt = "yuv420p"
        if tag:
            stream.codec_context.codec_tag = tag
        sound: Any = container.add_stream("aac", rate=44100) if audio else None
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
        if sound is not None:
            _write_silence(container, sound)
    return path


def h264(path: Path, frames: int = 40) -> Path:
    """H.264 with B-frames."""
    return write_video(path, pattern(frames), "libx264", {"crf": "18", "bf": "2"})


def open_gop(path: Path, frames: int = 90) -> Path:
    """H.264 with open groups of pictures, where seeking goes wrong."""
    return write_video(path, pattern(frames), "libx264", {"crf": "18", "x264-params": "keyint=12:open-gop=1:bframes=3"})


def cut_open_gop(path: Path) -> Path:
    """A stream copy of the middle of an open-GOP file: the container announces more than can be decoded."""
    whole = open_gop(path.with_name("whole.mp4"))
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream: Any = source.streams.video[0]
        copy: Any = target.add_stream_from_template(stream)
        offset = None
        for packet in source.demux(stream):
            if packet.dts is None or (offset is None and not (packet.is_keyframe and packet.pts > 20 * 512)):
                continue
            offset = packet.dts if offset is None else offset
            packet.pts, packet.dts, packet.stream = packet.pts - offset, packet.dts - offset, copy
            target.mux(packet)
    whole.unlink()
    return path


def xvid(path: Path, frames: int = 40) -> Path:
    """MPEG-4 part 2 tagged XVID in avi, as UCF101 and HMDB51 are."""
    return write_video(path, pattern(frames), "mpeg4", {"flags": "+qscale", "global_quality": "236"}, tag="XVID")


def truncated(path: Path, source: Path, share: float = 0.6) -> Path:
    """The beginning of a file."""
    content = source.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def zero_bytes(path: Path) -> Path:
    """A file without contents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def no_video_at_all(path: Path) -> Path:
    """Text under a video's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("<html><body>404 video unavailable</body></html>\n" * 20)
    return path


def audio_only(path: Path) -> Path:
    """An mp4 that holds sound alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        _write_silence(container, container.add_stream("aac", rate=44100))
    return path


def rotated(path: Path) -> Path:
    """An H.264 file with a display matrix: shown upright it is turned by a quarter."""
    h264(path)
    content = path.read_bytes()
    header = content.index(b"tkhd")
    matrix = header + 4 + 4 + 4 + 4 + 4 + 4 + 4 + 8 + 2 + 2 + 2 + 2
    one, minus = (1 << 16).to_bytes(4, "big"), (-(1 << 16)).to_bytes(4, "big", signed=True)
    zero = bytes(4)
    quarter = zero + one + zero + minus + zero + zero + zero + zero + (1 << 30).to_bytes(4, "big")
    path.write_bytes(content[:matrix] + quarter + content[matrix + 36 :])
    return path


def corpus(folder: Path) -> dict[str, Path]:
    """One file of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    good = {
        "h264": h264(folder / "h264.mp4"),
        "h264_audio": write_video(folder / "with sound.mp4", pattern(30), "libx264", audio=True),
        "mkv": h264(folder / "matroska.mkv"),
        "open_gop": open_gop(folder / "open_gop.mp4"),
        "xvid": xvid(folder / "xvid.avi"),
        "one_frame": h264(folder / "one_frame.mp4", frames=1),
        "rotated": rotated(folder / "rotated.mp4"),
    }
    return good | {
        "cut_open_gop": cut_open_gop(folder / "cut.mp4"),
        "truncated_avi": truncated(folder / "truncated.avi", good["xvid"]),
        "truncated_mp4": truncated(folder / "truncated.mp4", good["h264"]),
        "zero_bytes": zero_bytes(folder / "zero.mp4"),
        "no_video": no_video_at_all(folder / "page.mp4"),
        "audio_only": audio_only(folder / "audio.mp4"),
    }


def _write_silence(container: Any, stream: Any) -> None:
    for _ in range(20):
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.rate = 44100
        container.mux(stream.encode(silence))
    container.mux(stream.encode())


if __name__ == "__main__":
    for kind, made in corpus(Path(sys.argv[1])).items():
        print(kind, made)

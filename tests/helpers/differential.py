"""Generate odd containers and hold our reading of each against a sequential read by PyAV.

    PYTHONPATH=. python tests/helpers/differential.py [EVERY]

Codecs x containers x muxer flags x orientations x colour tags x edit lists. EVERY = 1 (default) is all of them.
A file is right if its status is `ok` (`partial` where it was cut), and both ways of reading it (with decord where it
is trusted, and without) give the frames of the sequential read within 3 of 255, in the mean of each frame.
"""

import itertools
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import odd_media

from aurl.frames.video import probe, read_frames

SIZE, MOST_DIFFERENCE = 64, 3
PLAIN_TAGS = (2, 2, 2)
CODECS = {
    "libx264": {}, "libx265": {}, "mpeg4": {"b": "4M"}, "mpeg2video": {"b": "4M"}, "mjpeg": {"qmin": "2", "qmax": "3"},
    "libvpx": odd_media.VP8, "libvpx-vp9": {"crf": "10", "b": "0"},
}  # fmt: skip
CONTAINERS = {
    "libx264": ["mp4", "mov", "mkv", "avi", "flv", "ts", "m4v", "3gp", "mts"],
    "libx265": ["mp4", "mov", "mkv", "ts"],
    "mpeg4": ["mp4", "mov", "mkv", "avi", "3gp", "ts"],
    "mpeg2video": ["mpg", "ts", "mkv", "vob", "m2ts"],
    "mjpeg": ["avi", "mov", "mkv"],
    "libvpx": ["webm", "mkv", "ogv", "avi"],
    "libvpx-vp9": ["webm", "mkv", "mp4"],
}
FORMATS = {"ogv": "ogg", "mts": "mpegts", "m2ts": "mpegts", "m4v": "mp4"}
FLAGS = {
    "frag 0.12 s": {"movflags": "empty_moov", "frag_duration": "120000"},
    "frag 0.5 s": {"movflags": "dash+empty_moov", "frag_duration": "500000"},
    "frag 1 s": {"movflags": "dash+empty_moov", "frag_duration": "1000000"},
    "frag 2 s": {"movflags": "cmaf", "frag_duration": "2000000"},
    "each frame": {"movflags": "dash+empty_moov+frag_every_frame"},
    "global sidx": {"movflags": "empty_moov+default_base_moof+global_sidx", "frag_duration": "300000"},
    "no sidx": {"movflags": "cmaf+empty_moov+skip_sidx", "frag_duration": "200000"},
    "key frames": {"movflags": "dash+empty_moov+frag_keyframe"},
    "hybrid": {"movflags": "hybrid_fragmented", "frag_duration": "300000"},
    "faststart": {"movflags": "faststart"},
}
TAGS = ["colormatrix=YCgCo", "colormatrix=bt2020c", "colormatrix=GBR", "colormatrix=ictcp", "colormatrix=chroma-derived-c",
        "colormatrix=bt709", "colormatrix=bt2020nc", "colormatrix=fcc", "transfer=log100", "transfer=log316",
        "transfer=smpte2084", "transfer=bt1361e", "colorprim=film", "colorprim=smpte432", "fullrange=on"]  # fmt: skip


@dataclass(frozen=True)
class Odd:
    """A generated file: its name, and how it is made; `status` is what the manifest must say."""

    name: str
    make: Callable[[Path], Path]
    status: str = "ok"


def odd_files() -> Iterator[Odd]:
    """List the files."""
    for codec, suffixes in CONTAINERS.items():
        for suffix, gop in itertools.product(suffixes, (9, 250)):
            how = {"codec": codec, "options": {**CODECS[codec], "g": str(gop)}, "container": FORMATS.get(suffix)}
            if codec == "mjpeg":
                how["pix_fmt"] = "yuvj420p"
            yield _written(f"{codec} g{gop}.{suffix}", **how)
            if suffix in ("mkv", "webm", "mp4", "mov", "flv"):
                audio = "libopus" if suffix == "webm" else "aac"
                yield _written(f"{codec} g{gop} sound.{suffix}", **how, sound=audio)
                if (codec, suffix) != ("mpeg4", "mov"):
                    yield _written(f"{codec} g{gop} sparse.{suffix}", **how, times=odd_media.SPARSE)
                yield _written(f"{codec} g{gop} later.{suffix}", **how, start=40)
    for codec, (flag, muxer), gop, frames in itertools.product(
        ("libx264", "libx265", "mpeg4"), FLAGS.items(), (12, 30, 250), (40, 70)
    ):
        how = {"codec": codec, "options": {**CODECS[codec], "g": str(gop)}, "muxer": muxer, "numbers": range(frames)}
        yield _written(f"{codec} {flag} g{gop} {frames} frames.mp4", **how)
    for degrees, mirrored, codec in itertools.product(
        (0, 3, 44, 46, 90.1, 180, 180.3, 269.6, 270.4, 359), (False, True), ("libx264", "mpeg4")
    ):
        name = f"{codec} turned {degrees} {mirrored}.mp4"
        yield Odd(name, lambda path, t=degrees, m=mirrored, c=codec: odd_media.turned(path, t, m, codec=c))  # type: ignore[misc]
    for tag, suffix in itertools.product(TAGS, ("mp4", "mkv")):
        yield _written(f"{tag}.{suffix}", options={"x264-params": tag})
    for first, suffix, codec in itertools.product(
        (1, 7, 23, 30, 41, 58), ("mp4", "mov"), ("libx264", "libx265", "mpeg4")
    ):
        yield Odd(f"{codec} cut at {first}.{suffix}", lambda path, f=first, c=codec: _cut(path, f, c))  # type: ignore[misc]
    for codec, share in itertools.product(("libx264", "mpeg4", "mjpeg"), (0.995, 0.999)):  # the index alone is cut off
        yield Odd(f"{codec} {share} without index.avi", lambda path, s=share, c=codec: _without_index(path, s, c))  # type: ignore[misc]
    for share, suffix in itertools.product((0.35, 0.5, 0.77, 0.9), ("mkv", "avi", "flv", "mp4", "webm")):
        yield Odd(f"broken off {share}.{suffix}", lambda path, s=share: _broken_off(path, s), "partial")  # type: ignore[misc]


def check(odd: Odd, folder: Path) -> str:
    """Make a file and say what is wrong with our reading of it; empty if nothing is."""
    path = odd.make(folder / odd.name)
    found = probe(path)
    if found.status != odd.status:
        return f"status {found.status}: {found.reason}"
    expected = sequential(path, SIZE)
    for with_decord in (True, False):
        frames = np.concatenate(list(read_frames(path, found.frames, SIZE, found.rotation, with_decord)))
        if len(frames) != len(expected):
            return f"{len(frames)} frames of {len(expected)}"
        worst = np.abs(frames.astype(int) - expected).mean(axis=(1, 2, 3)).max()
        if worst > MOST_DIFFERENCE:
            return f"a frame differs by {worst:.1f} of 255 ({'decord' if with_decord else 'PyAV'})"
    return ""


def sequential(path: Path, size: int) -> np.ndarray:
    """Read all frames in turn by PyAV, without colour tags that its scaler refuses, turned by the side data's matrix."""
    images = []
    with av.open(str(path), metadata_errors="replace") as container:
        container.streams.video[0].thread_type = "NONE"  # threads repair damaged frames in other ways
        try:
            for frame in container.decode(video=0):
                if int(frame.colorspace) in (0, 3, 8, *range(10, 18)):
                    frame.colorspace = 2
                frame.color_trc = frame.color_primaries = 2
                squashed = frame.reformat(size, size, "rgb24", interpolation="BILINEAR").to_ndarray()
                images.append(_by_matrix(squashed, frame))
        except av.FFmpegError:
            pass  # the end of a file that is cut off
    return np.stack(images)


def _by_matrix(image: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """Move every pixel by the display matrix with its numbers rounded to a right angle."""
    found = [bytes(data) for data in frame.side_data if "DISPLAYMATRIX" in str(data.type)]  # type: ignore[attr-defined, arg-type]
    if not found:
        return image
    a, b, _, c, d = np.frombuffer(found[0], np.int32)[:5] / 65536
    a, b, c, d = (int(round(value)) for value in _snapped(a, b, c, d))
    rows, columns = np.mgrid[: len(image), : len(image)]
    middle = (len(image) - 1) / 2
    x, y = columns - middle, rows - middle
    shown = np.empty_like(image)
    shown[(b * x + d * y + middle).astype(int), (a * x + c * y + middle).astype(int)] = image
    return shown


def _snapped(a: float, b: float, c: float, d: float) -> tuple[float, float, float, float]:
    """Take the nearest of the eight matrices that turn by right angles and mirror."""
    turns = [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)]
    eight = [*turns, *((-p, q, -r, s) for p, q, r, s in turns)]
    return min(eight, key=lambda other: sum((u - v) ** 2 for u, v in zip(other, (a, b, c, d), strict=True)))


def _written(name: str, **how: object) -> Odd:
    return Odd(name, lambda path: odd_media.write(path, **how))  # type: ignore[arg-type]


def _cut(path: Path, first: int, codec: str) -> Path:
    whole = odd_media.write(path.with_name("whole.mp4"), range(70), codec, {**CODECS[codec], "g": "25"})
    return odd_media.copy_from(path, whole, first)


def _without_index(path: Path, share: float, codec: str) -> Path:
    odd_media.write(path, range(60), codec, CODECS[codec], pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv420p")
    content = path.read_bytes()
    index = content.rindex(b"idx1")
    path.write_bytes(content[: index + int((len(content) - index) * share * 0.9)])
    return path


def _broken_off(path: Path, share: float) -> Path:
    codec, faststart = ("libvpx", {}) if path.suffix == ".webm" else ("libx264", {})
    if path.suffix == ".mp4":
        faststart = {"movflags": "faststart"}
    return odd_media.shortened(odd_media.write(path, range(60), codec, CODECS[codec], muxer=faststart), share)


def main(every: int = 1) -> None:
    """Check every file, or each EVERY-th, and print those that are wrong and a count."""
    av.logging.set_level(av.logging.PANIC)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for odd in itertools.islice(odd_files(), 0, None, every):
            wrong = check(odd, Path(folder))
            counts["wrong" if wrong else "right"] += 1
            if wrong:
                print(f"{odd.name}: {wrong}", flush=True)
            (Path(folder) / odd.name).unlink()
    print(f"{counts['right']} of {counts.total()} files are right")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

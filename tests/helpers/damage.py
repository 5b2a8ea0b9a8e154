"""Damage generated videos and count what the manifest says of them, and whether the frames are a sequential read's.

    PYTHONPATH=. python tests/helpers/damage.py [ROUNDS] [EVERY]

Codecs x containers, and in each round one flipped bit, several, a hole of zeros, of noise, of missing bytes, and a cut.
Bad are: a crash; `ok` with fewer frames than the whole file has; frames that a sequential read by PyAV does not give.
"""

import functools
import itertools
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import differential
import numpy as np
import odd_media

from aurl.frames.video import VideoProperties, probe, read_frames
from aurl.system.isolated import Failure, map_isolated

HOLE = (20, 3000)  # bytes
SECONDS, MEMORY_MB = 60, 2048
NAMED, SAME, OTHER_PIXELS = "not ok, or a remark", "ok, unharmed", "ok, pixels changed as in a sequential read"
UNSTEADY = "ok, FFmpeg's decoder gives other pixels each time"
CRASHED, LOST, WRONG = "CRASH", "ok, FRAMES LOST", "ok, OTHER FRAMES than a sequential read"
BAD = (CRASHED, LOST, WRONG)
ALSO = (
    ("libx264", "live.mkv", {"live": "1"}),
    ("libx264", "fragments.mp4", {"movflags": "empty_moov+frag_keyframe"}),
    ("libx264", "dash.mp4", {"movflags": "dash+empty_moov", "frag_duration": "300000"}),
    ("libx264", "faststart.mp4", {"movflags": "faststart"}),
)


@dataclass(frozen=True)
class Damaged:
    """A damaged file, and the file before."""

    path: Path
    whole: Path


def flip(content: bytearray, chance: random.Random, bits: int) -> None:
    """Flip bits."""
    for _ in range(bits):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def hole(content: bytearray, chance: random.Random, filling: Callable[[int], bytes]) -> None:
    """Replace some bytes behind the first eighth, where the headers are."""
    begin = chance.randrange(len(content) // 8, len(content) - HOLE[0])
    end = min(len(content), begin + chance.randint(*HOLE))
    content[begin:end] = filling(end - begin)


DAMAGES: dict[str, Callable[[bytearray, random.Random], None]] = {
    "one bit": lambda content, chance: flip(content, chance, 1),
    "bits": lambda content, chance: flip(content, chance, chance.randint(2, 40)),
    "zeros": lambda content, chance: hole(content, chance, bytes),
    "noise": lambda content, chance: hole(content, chance, chance.randbytes),
    "missing": lambda content, chance: hole(content, chance, lambda _: b""),
    "cut": lambda content, chance: content.__delitem__(slice(chance.randrange(1000, len(content)), None)),
}


def kinds() -> Iterator[tuple[str, dict[str, Any]]]:
    """List files to damage, by name and how they are made: each codec and container, every second one with sound."""
    plain = [(codec, suffix, {}) for codec, suffixes in differential.CONTAINERS.items() for suffix in suffixes]
    for number, (codec, suffix, muxer) in enumerate([*plain, *ALSO]):
        last = suffix.rsplit(".", 1)[-1]
        sound = {"webm": "libopus", "ogv": "libopus", "avi": "pcm_s16le", "mpg": "mp2", "vob": "mp2"}.get(last, "aac")
        yield f"{codec} {suffix}.{last}", {
            "codec": codec, "options": {**differential.CODECS[codec], "g": "12"}, "muxer": muxer,
            "sound": sound * (number % 2), "container": differential.FORMATS.get(last),
            "pix_fmt": "yuvj420p" if codec == "mjpeg" else "yuv420p",
        }  # fmt: skip


def make(kind: tuple[Path, dict[str, Any]]) -> Path:
    """Write a whole file."""
    path, how = kind
    return odd_media.write(path, range(60), **how)


@functools.lru_cache(1)
def whole_frames(path: Path) -> np.ndarray:
    """Read a whole file."""
    return differential.sequential(path, differential.SIZE)


def judge(damaged: Damaged) -> str:
    """Compare what the manifest says with a sequential read, and with the whole file."""
    found = probe(damaged.path)
    if found.status not in ("ok", "partial"):
        return NAMED
    expected = differential.sequential(damaged.path, differential.SIZE)
    for with_decord in (True, False):
        chunks = read_frames(damaged.path, found.frames, differential.SIZE, found.rotation, with_decord)
        if _is_named(found) or _is_like(np.concatenate(list(chunks)), expected):
            continue
        steady = all(_is_like(differential.sequential(damaged.path, differential.SIZE), expected) for _ in range(3))
        return WRONG if steady else UNSTEADY
    if _is_named(found):
        return NAMED
    whole = whole_frames(damaged.whole)
    if found.frames < len(whole):
        return LOST
    return SAME if _is_like(expected, whole) else OTHER_PIXELS


def count(rounds: int, folder: Path, every: int) -> Counter[tuple[str, str]]:
    """Damage every file (or each `every`-th) in each way; returns the counts by damage and verdict.

    This process itself neither encodes nor decodes: a fork would inherit FFmpeg's locks without its threads.
    """
    counts: Counter[tuple[str, str]] = Counter()
    chosen = [(folder / name, how) for name, how in itertools.islice(kinds(), 0, None, every)]
    for path in map_isolated(make, chosen, 1, SECONDS):
        assert isinstance(path, Path), path
        jobs = [(kind, number) for number in range(rounds) for kind in DAMAGES]
        damaged = (Damaged(_damage(path, kind, number), path) for kind, number in jobs)
        verdicts = map_isolated(judge, damaged, 1, SECONDS, MEMORY_MB)
        for (kind, number), verdict in zip(jobs, verdicts, strict=True):
            said = _said(verdict)
            counts[kind, said] += 1
            if said in BAD:
                print(f"{path.name}, {kind} {number}: {verdict}", flush=True)
            _place(path, kind, number).unlink()
    return counts


def _said(verdict: str | Failure) -> str:
    """Return the verdict; a file that goes beyond a limit is called unreadable in the manifest, with the reason."""
    if isinstance(verdict, str):
        return verdict
    return NAMED if "memory" in verdict.reason or "no result within" in verdict.reason else CRASHED


def _place(path: Path, kind: str, number: int) -> Path:
    return path.with_name(f"{path.stem} {kind} {number}{path.suffix}")


def _damage(path: Path, kind: str, number: int) -> Path:
    content = bytearray(path.read_bytes())
    DAMAGES[kind](content, random.Random(f"{path.name} {kind} {number}"))
    _place(path, kind, number).write_bytes(content)
    return _place(path, kind, number)


def _is_named(found: VideoProperties) -> bool:
    return found.status != "ok" or bool(found.reason)


def _is_like(frames: np.ndarray, others: np.ndarray) -> bool:
    if frames.shape != others.shape:
        return False
    return bool(np.abs(frames.astype(int) - others).mean(axis=(1, 2, 3)).max() <= differential.MOST_DIFFERENCE)


def main(rounds: int = 20, every: int = 1) -> int:
    """Print the bad files and the counts; returns how many are bad."""
    av.logging.set_level(av.logging.PANIC)
    with tempfile.TemporaryDirectory() as folder:
        counts = count(rounds, Path(folder), every)
    print(f"{counts.total()} damaged files")
    for (kind, verdict), files in sorted(counts.items()):
        print(f"{kind:8} {verdict:50} {files}")
    return sum(files for (_, verdict), files in counts.items() if verdict in BAD)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)

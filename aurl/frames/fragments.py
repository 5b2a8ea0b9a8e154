"""Read the boxes of mp4: is the file in fragments, and is one of them missing or damaged."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from aurl.frames.remarks import CUT, HOLE

FIRST_BOXES = {b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"sidx", b"pdin"}
FRAGMENTS = {b"moof", b"sidx", b"styp"}
ENDING = b"mfra"  # the index that FFmpeg writes behind the last fragment
FFMPEG = b"Lavf"
LARGE = 1  # a box of mp4 whose size follows as 64 bits
MOST_HEADER = 1 << 20  # bytes of a header that are searched

Box = tuple[bytes, int, int]  # kind, begin and end of the content


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


def boxes(handle: BinaryIO, begin: int, end: int) -> Iterator[Box]:
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


def fault_of_fragments(handle: BinaryIO, size: int) -> str:
    """Look for a fragment that is cut off, damaged or missing; nothing is said of an mp4 without fragments."""
    parts: list[Box] = []
    damaged = False
    try:
        for box in boxes(handle, 0, size):
            parts.append(box)
            damaged = damaged or not box[0].isalnum()
            if box[0] == b"moof" and box[2] <= size:
                damaged = damaged or not _is_whole(handle, box)
    except ValueError:
        damaged = True
    kinds = [kind for kind, *_ in parts]
    if b"moof" not in kinds:
        return ""
    if damaged:
        return HOLE
    if any(kind in (b"moof", b"mdat") and end > size for kind, _, end in parts) or kinds[-1] == b"moof":
        return CUT
    announced = max((_announced(handle, box) for box in parts if box[0] == b"sidx"), default=0)
    return CUT if announced > size or _lacks_ending(handle, parts) else ""


def stated_seconds(path: Path) -> float:
    """Read the length that the header of a fragmented mp4 states (`mehd`); 0 where it states none."""
    with path.open("rb") as handle:
        try:
            size = path.stat().st_size
            moov = next((box for box in boxes(handle, 0, size) if box[0] == b"moov"), (b"", 0, 0))
            inside = {kind: (begin, end) for kind, begin, end in boxes(handle, *moov[1:])}
            length = {kind: begin for kind, begin, _ in boxes(handle, *inside.get(b"mvex", (0, 0)))}.get(b"mehd")
            scale = inside.get(b"mvhd", (None,))[0]
        except ValueError:
            return 0.0
        if length is None or scale is None:
            return 0.0
        return _number(handle, length, 0) / (_number(handle, scale, 8) or 1)


def _number(handle: BinaryIO, place: int, before: int) -> int:
    """Read a number of 32 bits, or 64 in version 1, behind a box's version and so many bytes, doubled in version 1."""
    handle.seek(place)
    content = handle.read(32)
    if before:  # the time scale has 32 bits in either version
        begin = 4 + before * (1 + content[0])
        return int.from_bytes(content[begin : begin + 4], "big")
    return int.from_bytes(content[4 : 12 if content[0] else 8], "big")


def _is_whole(handle: BinaryIO, fragment: Box) -> bool:
    """Say whether a fragment's header consists of boxes to its very end."""
    try:
        inside = list(boxes(handle, *fragment[1:]))
    except ValueError:
        return False
    return bool(inside) and all(kind.isalnum() for kind, *_ in inside) and inside[-1][2] == fragment[2]


def _announced(handle: BinaryIO, index: Box) -> int:
    """Compute where the last fragment ends that a `sidx` announces."""
    _, begin, end = index
    handle.seek(begin)
    content = handle.read(min(end - begin, MOST_HEADER))
    wide = 8 if content[:1] == b"\1" else 4
    offset = int.from_bytes(content[12 + wide : 12 + 2 * wide], "big")
    count = int.from_bytes(content[14 + 2 * wide : 16 + 2 * wide], "big")
    entries = content[16 + 2 * wide :]
    sizes = [int.from_bytes(entries[12 * n : 12 * n + 4], "big") & 0x7FFFFFFF for n in range(count)]
    return end + offset + sum(sizes)


def _lacks_ending(handle: BinaryIO, parts: list[Box]) -> bool:
    """Say whether the index is missing that FFmpeg writes behind all fragments, unless they were joined of segments."""
    kinds = {kind for kind, *_ in parts}
    if ENDING in kinds or b"styp" in kinds:
        return False
    for kind, begin, end in parts:
        if kind == b"moov":
            handle.seek(begin)
            return FFMPEG in handle.read(min(end - begin, MOST_HEADER))
    return False

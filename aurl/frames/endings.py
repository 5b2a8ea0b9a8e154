"""Find files that are cut off: a download that broke, a disk that was full.

FFmpeg reads many of them to their sudden end without a word. The containers know better: they say how long their own
parts are. No time and no count of frames is used here, since honest files have wrong ones.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from aurl.frames.containers import FIRST_BOXES, boxes

CUT = "the file is cut off"
SEGMENT, CLUSTER, EBML = 0x18538067, 0x1F43B675, b"\x1a\x45\xdf\xa3"
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
PACKET_SIZES = ((188, 0), (192, 4))  # of MPEG-TS and of M2TS, and where their sync bytes are
SYNC = 0x47


def is_cut_off(path: Path) -> bool:
    """Say whether the end of the picture or sound is missing, by the container's own sizes.

    A missing index behind them does not count. False for plain mp4, whose table of samples lets FFmpeg report what is
    missing, and for containers that do not say their size.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        begin = handle.read(256)
        for matches, cut in _KINDS:
            if matches(begin):
                return cut(handle, size)
    return False


def lacks_avi_index(path: Path) -> bool:
    """Say whether a file is an AVI whose index is missing or cut off."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        kind, begin, end = next(_chunks(handle, 0, size), (b"", 0, 0))
        if kind != b"RIFF":
            return False
        return not any(kind == b"idx1" and end <= size for kind, _, end in _chunks(handle, begin + 4, min(end, size)))


def _mp4(handle: BinaryIO, size: int) -> bool:
    """Look for a fragment whose end is missing."""
    try:
        parts = list(boxes(handle, 0, size))
    except ValueError:
        return False
    in_fragments = any(kind == b"moof" for kind, *_ in parts)
    return in_fragments and any(kind in (b"moof", b"mdat") and end > size for kind, _, end in parts)


def _avi(handle: BinaryIO, size: int) -> bool:
    """Look for a list of frames whose end is missing, in each part of a long file."""
    for kind, begin, end in _chunks(handle, 0, size):
        if kind != b"RIFF":
            return False
        for inner, place, inner_end in _chunks(handle, begin + 4, min(end, size)):
            handle.seek(place)
            if inner == b"LIST" and handle.read(4) == b"movi" and inner_end > size:
                return True
    return False


def _chunks(handle: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while begin + 8 <= end:
        handle.seek(begin)
        header = handle.read(8)
        length = int.from_bytes(header[4:], "little")
        yield header[:4], begin + 8, begin + 8 + length
        begin += 8 + length + length % 2


def _matroska(handle: BinaryIO, size: int) -> bool:
    """Look for a cluster, or a block of a live recording's cluster, whose end is missing."""
    place, inside = 0, False
    while place < size:
        handle.seek(place)
        identifier, content, length = _element(handle.read(12))
        if content == 0:
            return inside
        if identifier == SEGMENT or (identifier == CLUSTER and length is None):
            inside = inside or identifier == CLUSTER
            place += content
            continue
        if length is None:
            return False
        place += content + length
        if place > size:
            return inside or identifier == CLUSTER
        inside = inside and identifier != CLUSTER
    return False


def _element(header: bytes) -> tuple[int, int, int | None]:
    """Read an element's identifier, where its content begins (0: not readable), and its length (None: not stated)."""
    width = _width(header, 4)
    more = _width(header[width:], 8) if width else 0
    if not more or len(header) < width + more:
        return 0, 0, None
    held = int.from_bytes(header[width : width + more], "big") & ((1 << 7 * more) - 1)
    return int.from_bytes(header[:width], "big"), width + more, None if held == (1 << 7 * more) - 1 else held


def _width(header: bytes, most: int) -> int:
    width = 9 - header[0].bit_length() if header else 0
    return width if width <= most else 0


def _flv(handle: BinaryIO, size: int) -> bool:
    """Look for a tag whose end is missing."""
    handle.seek(5)
    place = int.from_bytes(handle.read(4), "big") + 4  # behind the header and the first size
    while place + 11 <= size:
        handle.seek(place)
        header = handle.read(4)
        if header[0] & 0x1F not in (8, 9, 18):  # no tag of sound, picture or data: other bytes follow the file
            return False
        place += 11 + int.from_bytes(header[1:], "big") + 4
    return place != size and place - 4 != size  # some writers leave out the last size


def _ogg(handle: BinaryIO, size: int) -> bool:
    """Look for a page whose end is missing."""
    place = 0
    while place < size:
        handle.seek(place)
        header = handle.read(27)
        if header[:4] != b"OggS"[: len(header)]:
            return False
        if len(header) < 27:
            return True
        place += 27 + header[26] + sum(handle.read(header[26]))
    return place > size


def _asf(handle: BinaryIO, size: int) -> bool:
    """Look for a data object whose end is missing."""
    place = 0
    while place + 24 <= size:
        handle.seek(place)
        header = handle.read(24)
        length = int.from_bytes(header[16:], "little")
        if header[:16] == ASF_DATA:
            return length > size - place
        if length < 24:
            return False
        place += length
    return False


def _gif(handle: BinaryIO, size: int) -> bool:
    """Look for the byte that ends a GIF file; zeros may follow it."""
    handle.seek(max(0, size - 4096))
    return not handle.read().rstrip(b"\0\r\n").endswith(b";")


def _transport(_: BinaryIO, size: int) -> bool:
    """Look for a half packet at the end."""
    return size % PACKET_SIZES[0][0] != 0


def _blu_ray(_: BinaryIO, size: int) -> bool:
    """Look for a half packet at the end."""
    return size % PACKET_SIZES[1][0] != 0


def _packets(packet: int, offset: int) -> Callable[[bytes], bool]:
    return lambda begin: len(begin) > packet + offset and begin[offset] == begin[packet + offset] == SYNC


_KINDS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, int], bool]], ...] = (
    (lambda begin: begin[4:8] in FIRST_BOXES, _mp4),
    (lambda begin: begin[:4] == b"RIFF", _avi),
    (lambda begin: begin[:4] == EBML, _matroska),
    (lambda begin: begin[:3] == b"FLV", _flv),
    (lambda begin: begin[:4] == b"OggS", _ogg),
    (lambda begin: begin[:16] == ASF_HEADER, _asf),
    (lambda begin: begin[:4] == b"GIF8", _gif),
    (_packets(*PACKET_SIZES[0]), _transport),
    (_packets(*PACKET_SIZES[1]), _blu_ray),
)

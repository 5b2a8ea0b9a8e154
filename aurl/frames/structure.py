"""Find what is wrong with a file by its container's own parts: an end that is missing, a hole inside.

FFmpeg reads many such files without a word: it looks for the next part that it knows. The containers know better: they
say how long their own parts are, number them, or hold checksums. No time and no count of frames is used here, since
honest files have wrong ones. Nothing is known of plain mp4, whose table of samples lets FFmpeg report what is missing,
and of raw streams, which have no such parts.
"""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from aurl.frames.fragments import FIRST_BOXES, fault_of_fragments
from aurl.frames.matroska import EBML, fault_of_matroska
from aurl.frames.remarks import CUT, HOLE
from aurl.frames.transport import fault_of_transport, packet_size

ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
FLV_TAGS = (8, 9, 15, 18)  # sound, picture, data
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
OGG_CHECKSUM = slice(22, 26)
LAST_PAGE = 4
LONGEST_PADDING = 4096  # bytes that are read at once
ONES = 0xFFFFFFFF
START_CODE, PROGRAM_END, PACK, MPEG1_PACK = b"\0\0\1", 0xB9, 0xBA, 2


def structure_fault(path: Path) -> str:
    """Say what is missing of the picture or sound, by the container's own parts: `CUT`, `HOLE`, or nothing.

    A missing index behind the picture does not count.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        begin = handle.read(1024)
        for matches, fault in _KINDS:
            if matches(begin):
                return fault(handle, size)
    return ""


def lacks_avi_index(path: Path) -> bool:
    """Say whether a file is an AVI whose index is missing or cut off."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        kind, begin, end = next(_chunks(handle, 0, size), (b"", 0, 0))
        if kind != b"RIFF":
            return False
        return not any(kind == b"idx1" and end <= size for kind, _, end in _chunks(handle, begin + 4, min(end, size)))


def _avi(handle: BinaryIO, size: int) -> str:
    """Look into the lists of frames, in each part of a long file."""
    for kind, begin, end in _chunks(handle, 0, size):
        if kind != b"RIFF":
            return "" if begin > 8 else HOLE
        movies = 0
        for inner, place, inner_end in _chunks(handle, begin + 4, min(end, size)):
            handle.seek(place)
            if inner == b"LIST" and handle.read(4) == b"movi":
                movies += 1
                if inner_end > size:
                    return CUT
                if not _is_movie(handle, place + 4, inner_end):
                    return HOLE
        if not movies:
            return HOLE
    return ""


def _is_movie(handle: BinaryIO, begin: int, end: int) -> bool:
    """Say whether a list consists of chunks with printable names; some writers leave out the padding of odd ones."""
    padded = False
    while begin + 8 <= end:
        handle.seek(begin)
        header = handle.read(8)
        if not (header[:4].isascii() and header[:4].decode().isprintable()):
            if not padded:
                return False
            begin, padded = begin - 1, False
            continue
        length = int.from_bytes(header[4:], "little")
        padded = length % 2 == 1
        begin += 8 + length + padded
    return True


def _chunks(handle: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while begin + 8 <= end:
        handle.seek(begin)
        header = handle.read(8)
        length = int.from_bytes(header[4:], "little")
        yield header[:4], begin + 8, begin + 8 + length
        begin += 8 + length + length % 2


def _flv(handle: BinaryIO, size: int) -> str:
    """Walk from tag to tag; zeros may follow the last one."""
    handle.seek(5)
    place = int.from_bytes(handle.read(4), "big") + 4  # behind the header and the first size
    while place + 11 <= size:
        handle.seek(place)
        header = handle.read(4)
        if header[0] & 0x1F not in FLV_TAGS:
            return HOLE if (header + handle.read(4096)).strip(b"\0") else ""
        place += 11 + int.from_bytes(header[1:], "big") + 4
    return CUT if place not in (size, size + 4) else ""  # some writers leave out the last size


def _ogg(handle: BinaryIO, size: int) -> str:
    """Walk from page to page: their checksums and numbers, and the mark of a stream's last page."""
    place, following = 0, dict[bytes, int]()
    ended = False
    while place < size:
        handle.seek(place)
        header = handle.read(27)
        if header[:4] != b"OggS"[: len(header)]:
            return HOLE
        sizes = handle.read(header[26]) if len(header) == 27 else b""
        place += 27 + len(sizes) + sum(sizes)
        if len(header) < 27 or place > size:
            return CUT
        serial, number = header[14:18], int.from_bytes(header[18:22], "little")
        content = header[:22] + bytes(4) + header[26:] + sizes + handle.read(sum(sizes))
        if _ogg_checksum(content) != header[OGG_CHECKSUM] or number != following.get(serial, number):
            return HOLE
        following[serial] = number + 1
        ended |= bool(header[5] & LAST_PAGE)
    return "" if ended else CUT


def _ogg_checksum(page: bytes) -> bytes:
    """Compute Ogg's CRC, which is that of zip with all bits in the other order, and begins with zero."""
    reflected = zlib.crc32(page.translate(REVERSED), ONES) ^ ONES
    return int(f"{reflected:032b}"[::-1], 2).to_bytes(4, "little")


def _asf(handle: BinaryIO, size: int) -> str:
    """Look for a data object whose end is missing."""
    place = 0
    while place + 24 <= size:
        handle.seek(place)
        header = handle.read(24)
        length = int.from_bytes(header[16:], "little")
        if header[:16] == ASF_DATA:
            return CUT if length > size - place else ""
        if length < 24:
            return ""
        place += length
    return ""


def _program(handle: BinaryIO, size: int) -> str:
    """Walk from pack to pack of MPEG-PS, and from packet to packet inside; zeros may follow."""
    place = 0
    while place + 6 <= size:
        handle.seek(place)
        header = handle.read(14)
        if header[:3] != START_CODE or header[3] < PROGRAM_END:
            more = header + handle.read(LONGEST_PADDING)
            zeros = len(more) - len(more.lstrip(b"\0"))
            if zeros < 2 or more[zeros:] and more[zeros] != 1:
                return HOLE
            place += max(1, zeros - 2)
            continue
        if header[3] == PROGRAM_END:
            place += 4
        elif header[3] == PACK:
            place += 12 if header[4] >> 4 == MPEG1_PACK else 14 + (header[13:14] or b"\0")[0] % 8
        elif length := int.from_bytes(header[4:6], "big"):
            place += 6 + length
        else:  # not stated
            return ""
    return CUT if place > size else ""


def _gif(handle: BinaryIO, size: int) -> str:
    """Look for the byte that ends a GIF file; zeros may follow it."""
    handle.seek(max(0, size - 4096))
    return "" if handle.read().rstrip(b"\0\r\n").endswith(b";") else CUT


_KINDS: tuple[tuple[Callable[[bytes], object], Callable[[BinaryIO, int], str]], ...] = (
    (lambda begin: begin[4:8] in FIRST_BOXES, fault_of_fragments),
    (lambda begin: begin[:4] == b"RIFF", _avi),
    (lambda begin: begin[:4] == EBML, fault_of_matroska),
    (lambda begin: begin[:3] == b"FLV", _flv),
    (lambda begin: begin[:4] == b"OggS", _ogg),
    (lambda begin: begin[:16] == ASF_HEADER, _asf),
    (lambda begin: begin[:4] == b"GIF8", _gif),
    (lambda begin: begin[:4] == START_CODE + bytes((PACK,)), _program),
    (packet_size, fault_of_transport),
)

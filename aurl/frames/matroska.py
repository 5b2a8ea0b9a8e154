"""Find the ends and holes of Matroska and WebM files, by walking from element to element."""

from typing import BinaryIO

from aurl.frames.remarks import CUT, HOLE

EBML = b"\x1a\x45\xdf\xa3"
HEADER, SEGMENT, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
IN_CLUSTERS = {0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF}  # time, position, sizes, blocks
ANYWHERE = {0xEC, 0xBF}  # padding, checksums
LONG_IDENTIFIER = 1 << 24  # identifiers of a segment's parts have four bytes


def fault_of_matroska(handle: BinaryIO, size: int) -> str:
    """Walk through the segment's parts and the blocks of its clusters; a missing index does not count."""
    place, segment, cluster = 0, size, 0  # cluster: its end; 0 outside, -1 of a live recording's, which states none
    identifier = 0
    while place < segment:
        if place >= size:
            return CUT if cluster else ""
        if 0 < cluster <= place:
            if place > cluster:
                return HOLE
            cluster = 0
        handle.seek(place)
        header = handle.read(12)
        identifier, content, length = _element(header)
        if not content:
            return CUT if len(header) < 12 and place + len(header) == size else HOLE if cluster or place else ""
        if identifier in IN_CLUSTERS | ANYWHERE if cluster else identifier in ANYWHERE:
            if length is None:
                return HOLE
        elif identifier < LONG_IDENTIFIER or cluster > 0:
            return HOLE
        else:
            cluster = 0
        place += content
        if identifier == SEGMENT:
            segment = place + length if length is not None else size
        elif identifier == CLUSTER:
            cluster = -1 if length is None else place + length
        elif length is None:
            return ""
        else:
            place += length
            if place > size:
                return CUT if cluster else ""
    return ""


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

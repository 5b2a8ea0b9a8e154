"""Find the ends and holes of MPEG-TS and M2TS files, by the packets' size, sync bytes and counters."""

from typing import BinaryIO

import numpy as np

from aurl.frames.remarks import CUT, HOLE

SIZES = ((188, 0), (192, 4))  # of a packet of MPEG-TS and of M2TS, and where its sync byte is
SYNC, NO_STREAM = 0x47, 0x1FFF
BROKEN = 0x80  # a receiver's mark of a packet with errors
START_CODE = (0, 0, 1)
AT_ONCE = 1 << 14  # packets


def packet_size(begin: bytes) -> int:
    """Return the size of a transport stream's packets; 0 for other files."""
    for size, offset in SIZES:
        syncs = begin[offset::size]
        if len(syncs) > 2 and set(syncs) == {SYNC}:
            return size
    return 0


def fault_of_transport(handle: BinaryIO, size: int) -> str:
    """Look for packets without a sync byte, jumps of the counters, and a half packet at the end."""
    handle.seek(0)
    packet = packet_size(handle.read(1024))
    offset = dict(SIZES)[packet]
    handle.seek(0)
    counters: dict[int, int] = {}
    while len(block := handle.read(AT_ONCE * packet)) >= packet:
        rows = np.frombuffer(block, np.uint8)[: len(block) // packet * packet].reshape(-1, packet)[:, offset:]
        if (
            (rows[:, 0] != SYNC).any()
            or (rows[:, 1] & BROKEN).any()
            or _jumps(rows, counters)
            or _lacks_start_codes(rows)
        ):
            return HOLE
    return CUT if size % packet else ""


def _jumps(rows: np.ndarray, counters: dict[int, int]) -> bool:
    """Say whether a stream's counter jumps in packets (n, 188); `counters` holds each stream's last one.

    Packets may be doubled. Jumps that are announced are allowed, and those where files are joined: to a key frame, or to
    a begin with the counter 0.
    """
    streams = _streams(rows)
    with_content, adapted = rows[:, 3] & 0x10 != 0, (rows[:, 3] & 0x20 != 0) & (rows[:, 4] > 0)
    begins, zero = rows[:, 1] & 0x40 != 0, rows[:, 3] & 0x0F == 0
    announced = adapted & (rows[:, 5] & 0x80 != 0)
    joined = begins & (zero | adapted & (rows[:, 5] & 0x40 != 0))
    for stream in set(streams.tolist()) - {NO_STREAM}:
        chosen = (streams == stream) & with_content
        numbers = (rows[chosen, 3] & 0x0F).astype(int)
        if not len(numbers):
            continue
        steps = np.diff(numbers, prepend=counters.get(stream, numbers[0])) % 16
        counters[stream] = int(numbers[-1])
        if (steps[~(announced | joined)[chosen]] > 1).any():
            return True
    return False


def _lacks_start_codes(rows: np.ndarray) -> bool:
    """Say whether a stream's picture or sound begins without its start code in some packets, and with it in others."""
    starting = rows[(rows[:, 1] & 0x40 != 0) & (rows[:, 3] & 0x10 != 0)]
    begins = np.where(starting[:, 3] & 0x20 != 0, 5 + starting[:, 4].astype(int), 4).clip(max=185)
    codes = np.take_along_axis(starting, begins[:, None] + np.arange(3), axis=1)
    coded, streams = (codes == START_CODE).all(axis=1), _streams(starting)
    return bool(np.isin(streams[~coded], streams[coded]).any())


def _streams(rows: np.ndarray) -> np.ndarray:
    return (rows[:, 1] & 0x1F).astype(int) << 8 | rows[:, 2]

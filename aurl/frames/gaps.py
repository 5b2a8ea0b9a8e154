"""Find frames that are missing among the last ones, by the times of the packets in the order of decoding."""

import numpy as np

FEWEST = 12  # packets that tell what is usual
REGULAR = 1.5  # times the usual distance of frames; containers round times to 1 ms
ROUNDING = 0.0021  # seconds


def lacks_frames_before_last(times: list[float]) -> bool:
    """Say whether frames are missing between the last frame that others refer to and the one before.

    A picture is stored before the pictures that lie between it and an earlier one. If the file is cut off then, they
    are missing. True only where frames are reordered and have equal distances up to there: else nothing is known.

    Args:
        times: of all packets as they are stored, in seconds.
    """
    stored = np.array(times)
    if len(stored) < FEWEST or not np.isfinite(stored).all() or (np.diff(stored) > 0).all():
        return False
    last = int(stored.argmax())
    before = stored[:last].max(initial=stored.min())  # the anchor before the last one
    ordered = np.sort(stored)
    distances = np.diff(ordered)
    usual, ending = distances[ordered[1:] <= before], distances[ordered[1:] > before]
    if len(usual) < FEWEST - 1:
        return False
    distance = float(np.median(usual))
    most = distance * REGULAR + ROUNDING
    return bool(usual.max() <= most and ending.max() > most)

"""Show frames upright: read a display matrix, and turn and mirror frames by it."""

import math
import struct
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type

MIRRORED = 360  # is added to the degrees of a mirrored video, so that one number holds both
RIGHT_ANGLE = 90


def orientation(frame: av.VideoFrame) -> int:
    """Read how a frame must be turned to stand upright, from its display matrix.

    Returns degrees anticlockwise, rounded to a right angle: 0, 90, 180 or 270. 360 more say that the frame, once turned,
    must also be mirrored left-right.
    """
    side_data: Any = frame.side_data
    matrix = next((bytes(data) for data in side_data if data.type == Type.DISPLAYMATRIX), b"")
    return matrix_orientation(*struct.unpack("=9i", matrix[:36])) if len(matrix) >= 36 else 0


def matrix_orientation(a: int, b: int, _u: int, c: int, d: int, *_: int) -> int:
    """Compute the orientation of a matrix that moves a stored point (x, y), y down, to (a x + c y, b x + d y)."""
    if a * d == b * c:  # a matrix that squeezes the picture into a line says nothing
        return 0
    mirrored = a * d < b * c
    if mirrored:  # a turn, then a mirror left-right: the turn alone
        a, c = -a, -c
    clockwise = math.degrees(math.atan2(b - c, a + d))  # the nearest turn, also of a matrix that scales
    return round(-clockwise / RIGHT_ANGLE) % 4 * RIGHT_ANGLE + (MIRRORED if mirrored else 0)


def upright(frames: np.ndarray, turn: int) -> np.ndarray:
    """Turn frames (n, height, width, 3) by an orientation: the one place where this is done."""
    turned = np.rot90(frames, turn % MIRRORED // RIGHT_ANGLE, axes=(1, 2))
    return turned[:, :, ::-1] if turn >= MIRRORED else turned

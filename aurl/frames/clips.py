"""Chooses the frames of a clip (released code; the tests restate it plainly)."""

import numpy as np


def evaluation_starts(num_frames: int, clips: int) -> np.ndarray:
    """Compute the first frame of each of `clips` test clips of a video: int64 (clips,).

    The period is max(T // n, 1) and clip k starts at k * period; where T < n only T clips exist, and
    copies of clip 0 fill up to n (released code).
    Raises: ValueError if the video has no frame or no clip is asked for.
    """
    if num_frames < 1 or clips < 1:
        raise ValueError(f"need at least one frame and one clip, got {num_frames} frames and {clips} clips")
    starts = np.arange(clips, dtype=np.int64) * max(num_frames // clips, 1)
    starts[num_frames:] = 0
    return starts


def clip_indices(starts: np.ndarray, num_frames: int, clip_length: int) -> np.ndarray:
    """List the frames of clips that begin at `starts` (clips,): int64 (clips, clip_length), modulo the video's length."""
    return (starts[:, None] + np.arange(clip_length, dtype=np.int64)) % num_frames


def evaluation_indices(num_frames: int, clips: int, clip_length: int) -> np.ndarray:
    """List the frames of the test clips of a video: int64 (clips, clip_length) (released code)."""
    return clip_indices(evaluation_starts(num_frames, clips), num_frames, clip_length)


def training_starts(num_frames: np.ndarray, clip_length: int, uniform: np.ndarray) -> np.ndarray:
    """Draw the first frame of one training clip for each video: int64 (videos,).

    A uniform draw below max(1, T - clip_length); this leaves out the last window, as the released code does.

    Args:
        num_frames: (videos,) lengths in frames.
        uniform: (videos,) draws from [0, 1).
    """
    choices = np.maximum(1, num_frames - clip_length)
    return np.minimum((uniform * choices).astype(np.int64), choices - 1)

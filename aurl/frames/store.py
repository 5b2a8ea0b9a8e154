"""The packed frame store: a dataset's frames as JPEG, end to end in a few shards, with an offset index.

A shard is two files: the JPEGs one after the other, and a safetensors index with `offsets` (frames + 1,)
into them and `first_frame` (videos + 1,) into the offsets. `index.json` lists the shards with their
SHA-256, so that it stands for all of them in the lineage.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from safetensors.numpy import load_file

from aurl.errors import AurlError

LARGEST_SIZE = 4096  # pixels; above any that the experiment's frames can have


class FrameStore:
    """Random access to a dataset's frames; videos are numbered as in the usable rows of its manifest.

    Safe to hand to forked or spawned workers: shards are mapped when they are first read.
    """

    def __init__(self, index: Path) -> None:
        """Raises: AurlError if the index or a shard is missing or does not fit the index."""
        self.index = index
        description = _read_json(index)
        self.settings: dict[str, Any] = description["settings"]  # size, quality and chroma of the JPEGs
        self.size: int = self.settings["size"]  # `_read_json` has looked at both
        self._shards = [index.parent / row["shard"] for row in description["shards"]]
        self._offsets, first_frames = [], []
        for row, shard in zip(description["shards"], self._shards, strict=True):
            arrays = load_shard_index(index.parent / row["index"])
            if not shard.is_file() or shard.stat().st_size != row["bytes"]:
                raise AurlError(
                    f"{shard}: missing or not the {row['bytes']} bytes that {index} lists; delete it and run again"
                )
            self._offsets.append(arrays["offsets"])
            first_frames.append(arrays["first_frame"])
        self._first_frames = first_frames
        self._first_video = np.cumsum([0] + [len(first) - 1 for first in first_frames])
        self._maps: list[np.ndarray | None] = [None] * len(self._shards)

    def __len__(self) -> int:
        return int(self._first_video[-1])

    def num_frames(self) -> np.ndarray:
        """Length of every video in frames, int64 (videos,)."""
        return np.concatenate([np.diff(first) for first in self._first_frames])

    def read(self, video: int, frames: np.ndarray) -> np.ndarray:
        """Decode frames of a video: uint8 (len(frames), size, size, 3); a frame named twice is decoded once.

        Raises: AurlError if the stored bytes are no JPEG (a damaged shard).
        """
        shard = int(np.searchsorted(self._first_video, video, side="right")) - 1
        first = self._first_frames[shard][video - self._first_video[shard]]
        packed = self._map(shard)
        wanted, inverse = np.unique(frames, return_inverse=True)
        decoded = np.empty((len(wanted), self.size, self.size, 3), np.uint8)
        for row, frame in enumerate(wanted):
            begin, end = self._offsets[shard][first + frame : first + frame + 2]
            try:
                decoded[row] = simplejpeg.decode_jpeg(packed[begin:end], colorspace="RGB")
            except ValueError as error:
                raise AurlError(
                    f"{self._shards[shard]}: frame {frame} of video {video} is damaged ({error});"
                    " delete the shard and run again"
                ) from None
        return decoded[inverse]

    def _map(self, shard: int) -> np.ndarray:
        packed = self._maps[shard]
        if packed is None:
            packed = self._maps[shard] = np.memmap(self._shards[shard], np.uint8, "r")
        return packed

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_maps": [None] * len(self._shards)}


def load_shard_index(path: Path) -> dict[str, np.ndarray]:
    """The arrays `offsets` and `first_frame` of a shard. Raises: AurlError for a damaged file."""
    try:
        arrays = load_file(path)
        offsets, first_frame = arrays["offsets"], arrays["first_frame"]
        for array in (offsets, first_frame):
            if array.dtype != np.int64 or array.ndim != 1 or not len(array) or array[0] or (np.diff(array) < 0).any():
                raise ValueError("its numbers are none that grow from 0")
        if first_frame[-1] != len(offsets) - 1:
            raise ValueError("its videos and frames do not fit together")
    except Exception as error:  # safetensors raises its own and OS errors
        reason = " ".join(str(error).split())
        raise AurlError(f"{path}: unreadable shard index ({reason}); delete it and run again") from None
    return arrays


def _read_json(path: Path) -> dict[str, Any]:
    try:
        description = dict(json.loads(path.read_text()))
        size = description["settings"]["size"]
        if type(size) is not int or not 0 < size <= LARGEST_SIZE:
            raise ValueError("the size of its frames is none")
        for row in description["shards"]:
            for name in (row["shard"], row["index"]):
                if Path(name).is_absolute() or ".." in Path(name).parts:
                    raise ValueError(f"{name!r} leads out of its folder")
            if type(row["bytes"]) is not int:
                raise ValueError("a shard has no size")
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise AurlError(f"{path}: unreadable frame index ({reason}); delete it and run again") from None
    return description

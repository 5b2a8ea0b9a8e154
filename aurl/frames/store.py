"""Reads the packed frame store: a dataset's frames as JPEG, end to end in a few shards, with an offset index.

A shard is two files: the JPEGs one after the other, and a safetensors index with `offsets` (frames + 1,)
into them and `first_frame` (videos + 1,) into the offsets. `index.json` lists the shards with their
SHA-256, so that its own digest covers all of them.

A video that could not be extracted has no frames; `left_out` of both indexes names it with the reason.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from safetensors import safe_open

from aurl.system.errors import AurlError

PART = 1 << 20  # numbers of an index that are compared together
LARGEST_SIZE = 4096  # pixels; larger than an experiment allows


class FrameStore:
    """Gives random access to a dataset's frames; videos have the numbers of the manifest's usable rows.

    It can be passed to forked or spawned workers: a shard is mapped when it is first read.
    """

    def __init__(self, index: Path) -> None:
        """Raises: AurlError if the index or a shard is missing or does not fit the index."""
        self.index = index
        description = _read_json(index)
        self.settings: dict[str, Any] = description["settings"]  # size, quality and chroma of the JPEGs
        self.size: int = self.settings["size"]  # `_read_json` has checked both
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
        """Count the frames of every video: int64 (videos,)."""
        return np.concatenate([np.diff(first) for first in self._first_frames])

    def read(self, video: int, frames: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Decode frames of a video: uint8 (len(frames), size, size, 3); a frame named twice is decoded once.

        Args:
            out: the contiguous array of that shape to write to; a new one by default.
        Raises: AurlError if the stored bytes are not a JPEG of the store's size (a damaged shard).
        """
        shard = int(np.searchsorted(self._first_video, video, side="right")) - 1
        first = self._first_frames[shard][video - self._first_video[shard]]
        packed, offsets = self._map(shard), self._offsets[shard]
        shape = (self.size, self.size, 3)
        decoded = np.empty((len(frames), *shape), np.uint8) if out is None else out
        rows: dict[int, int] = {}
        for row, frame in enumerate(frames.tolist()):
            if frame in rows:
                decoded[row] = decoded[rows[frame]]
                continue
            jpeg = packed[offsets[first + frame] : offsets[first + frame + 1]]
            try:
                image = simplejpeg.decode_jpeg(jpeg, colorspace="RGB", buffer=decoded[row])
                if image.shape != shape:
                    raise ValueError(f"its shape is {image.shape}, the index says {shape}")
            except ValueError as error:
                raise AurlError(
                    f"{self._shards[shard]}: frame {frame} of video {video} is damaged ({error});"
                    " delete the shard and run again"
                ) from None
            rows[frame] = row
        return decoded

    def _map(self, shard: int) -> np.ndarray:
        packed = self._maps[shard]
        if packed is None:
            packed = self._maps[shard] = np.asarray(np.memmap(self._shards[shard], np.uint8, "r"))
        return packed

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_maps": [None] * len(self._shards)}


def frames_left_out(index: Path) -> dict[str, str]:
    """Read which videos have no frames: path -> reason. Raises: AurlError for a damaged index."""
    return dict(_read_json(index).get("left_out", {}))


def shard_left_out(path: Path) -> dict[str, str]:
    """Read which videos of a shard have no frames: path -> reason. Raises: AurlError for a damaged file."""
    try:
        with safe_open(path, framework="numpy") as file:
            left_out = json.loads((file.metadata() or {}).get("left_out", "{}"))
        _check_left_out(left_out)
    except Exception as error:  # safetensors and JSON raise their own
        reason = " ".join(str(error).split())
        raise AurlError(f"{path}: unreadable shard index ({reason}); delete it and run again") from None
    return dict(left_out)


def _check_left_out(left_out: Any) -> None:
    if not isinstance(left_out, dict) or not all(isinstance(reason, str) for reason in left_out.values()):
        raise ValueError("its list of videos without frames is none")


def load_shard_index(path: Path) -> dict[str, np.ndarray]:
    """Map the arrays `offsets` and `first_frame` of a shard; a dataset's offsets may be larger than the memory.

    Raises: AurlError for a damaged file.
    """
    try:
        with safe_open(path, framework="numpy"):  # which checks the whole header
            pass
        with path.open("rb") as handle:
            start = 8 + int.from_bytes(handle.read(8), "little")
            header = json.loads(handle.read(start - 8))
        arrays = {
            name: np.asarray(np.memmap(path, np.int64, "r", start + at["data_offsets"][0], tuple(at["shape"])))
            for name, at in header.items()
            if name in ("offsets", "first_frame") and at["dtype"] == "I64"
        }
        offsets, first_frame = arrays["offsets"], arrays["first_frame"]
        for array in (offsets, first_frame):
            if array.ndim != 1 or not len(array) or array[0] or not _grows(array):
                raise ValueError("its numbers do not grow from 0")
        if first_frame[-1] != len(offsets) - 1:
            raise ValueError("its videos and frames do not fit together")
    except Exception as error:  # safetensors, JSON and numpy raise their own
        reason = " ".join(str(error).split())
        raise AurlError(f"{path}: unreadable shard index ({reason}); delete it and run again") from None
    return arrays


def _grows(array: np.ndarray) -> bool:
    """Say whether no number is smaller than the one before; in parts, as the array may be larger than the memory."""
    return all((np.diff(array[start : start + PART + 1]) >= 0).all() for start in range(0, len(array) - 1, PART))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        description = dict(json.loads(path.read_text()))
        size = description["settings"]["size"]
        if type(size) is not int or not 0 < size <= LARGEST_SIZE:
            raise ValueError("the size of its frames is no possible size")
        _check_left_out(description.get("left_out", {}))
        for row in description["shards"]:
            for name in (row["shard"], row["index"]):
                if Path(name).is_absolute() or ".." in Path(name).parts:
                    raise ValueError(f"{name!r} is outside its folder")
            if type(row["bytes"]) is not int:
                raise ValueError("a shard has no size")
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise AurlError(f"{path}: unreadable frame index ({reason}); delete it and run again") from None
    return description

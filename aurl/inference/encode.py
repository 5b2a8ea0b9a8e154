"""Encode: the embeddings of given clips and word vectors by any checkpoint."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from aurl.experiment.settings import ComputeSettings
from aurl.models.checkpoint import load_model
from aurl.models.zero_shot import ZeroShotModel
from aurl.system.compute import autocast, prepare_device
from aurl.system.errors import AurlError
from aurl.system.files import replacing
from aurl.system.progress import log, track

ROWS = 4096  # word vectors at a time


def encode(checkpoint: Path, clips: Path | None, vectors: Path | None, output: Path, batch_size: int,
           compute: ComputeSettings) -> None:  # fmt: skip
    """Embed clips and word vectors, and write them as `video` (N, space) and `word` (M, space), float32, into an npz.

    Args:
        clips: .npy, uint8 RGB (N, T, H, W, 3), already of the size that the model was trained on.
        vectors: .npy, floating point (M, dimension), class embeddings c(y).
        batch_size: clips at a time.
    Raises:
        AurlError: neither is given, or a file is missing, damaged, or of another type or shape.
    """
    if clips is None and vectors is None:
        raise AurlError("nothing to encode: give --clips, --vectors or both")
    device = prepare_device(compute.device, compute.threads)
    model, described = load_model(checkpoint)
    clip_array = None if clips is None else read_clips(clips)
    word_array = None if vectors is None else read_vectors(vectors, described["model"]["dimension"])
    arrays: dict[str, Any] = {}
    if word_array is not None:
        arrays["word"] = encode_words(model, word_array)
    if clip_array is not None:
        if clip_array.shape[1] != described["clip_length"]:
            log(f"{clips}: clips of {clip_array.shape[1]} frames; this model's have {described['clip_length']}")
        arrays["video"] = encode_clips(model.to(device), clip_array, batch_size, device, compute.precision)
    with replacing(output) as (temporary,), temporary.open("wb") as handle:
        np.savez(handle, **arrays)


def encode_clips(model: ZeroShotModel, clips: np.ndarray, batch_size: int, device: torch.device,
                 precision: str) -> np.ndarray:  # fmt: skip
    """uint8 clips (N, T, H, W, 3) -> float32 (N, space), by a model on `device`; memory holds one batch."""
    batches = range(0, len(clips), batch_size)
    rows = []
    for begin in track(batches, "encode clips", "batches", len(batches)):
        batch = torch.from_numpy(np.array(clips[begin : begin + batch_size], order="C"))
        with torch.inference_mode(), autocast(device, precision):
            rows.append(model.embed_videos(batch.to(device)).float().cpu().numpy())
    return np.concatenate(rows)


def encode_words(model: ZeroShotModel, vectors: np.ndarray) -> np.ndarray:
    """Class embeddings c(y) (M, dimension) -> float32 (M, space), by a model on the CPU, as evaluation does it."""
    with torch.inference_mode():
        rows = [
            model.embed_classes(torch.from_numpy(vectors[begin : begin + ROWS].astype(np.float32))).numpy()
            for begin in range(0, len(vectors), ROWS)
        ]
    return np.concatenate(rows)


def read_clips(path: Path) -> np.ndarray:
    """Map a file of clips, uint8 (N, T, H, W, 3). Raises: AurlError."""
    array = _read_array(path)
    if array.dtype != np.uint8 or array.ndim != 5 or array.shape[-1] != 3 or 0 in array.shape:
        raise AurlError(
            f"{path}: {array.dtype} of shape {array.shape}; clips are uint8 (clips, frames, height, width, 3)"
        )
    return array


def read_vectors(path: Path, dimension: int) -> np.ndarray:
    """Map a file of word vectors, floating point (M, dimension). Raises: AurlError."""
    array = _read_array(path)
    if array.dtype.kind != "f" or array.ndim != 2 or array.shape[1] != dimension or 0 in array.shape:
        raise AurlError(
            f"{path}: {array.dtype} of shape {array.shape}; this checkpoint takes floating point (rows, {dimension})"
        )
    if not np.isfinite(array).all():
        raise AurlError(f"{path}: holds values that are not finite")
    return array


def _read_array(path: Path) -> np.ndarray:
    """Map a .npy file; never unpickles."""
    if not path.is_file():
        raise AurlError(f"{path}: no such file; write one with numpy.save")
    try:
        with np.errstate(over="ignore"):  # of a size that is refused
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy raises many kinds for damaged and for pickled files
        raise AurlError(f"{path}: not a readable .npy array ({' '.join(str(error).split())[:200]})") from None
    if not isinstance(array, np.ndarray):
        raise AurlError(f"{path}: an archive of arrays; give one array, as numpy.save writes it")
    return array

"""Select the videos that have a class and frames: what is trained and tested on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aurl.datasets.table import iterate_usable, usable_labels
from aurl.frames.store import FrameStore
from aurl.system.errors import AurlError


def labels_with_frames(manifest: Path, broken: str, classes: Sequence[str], store: FrameStore) -> np.ndarray:
    """Number the class of every usable video by its place in `classes`: int64 (videos,).

    -1 stands for any other class, and for a video whose frames could not be extracted.
    Raises: AurlError if the frames are not those of the manifest, or a class has lost all its videos.
    """
    labels = usable_labels(manifest, broken, classes)
    if len(store) != len(labels):
        raise AurlError(f"{store.index}: {len(store)} videos, the manifest has {len(labels)}; extract the frames again")
    empty = store.num_frames() == 0
    lost = sorted(set(labels[empty].tolist()) - set(labels[~empty].tolist()) - {-1})
    if lost:
        raise AurlError(
            f"{store.index}: no video of class '{classes[lost[0]]}' could be extracted ({len(lost)} such classes); add"
            " videos, remove the class folder, or raise frames.timeout_seconds and frames.memory_mb"
        )
    return np.where(empty, -1, labels)


def videos_with_frames(
    manifest: Path, broken: str, classes: Sequence[str], store: FrameStore
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """List the videos that `labels_with_frames` numbers.

    Returns: their store numbers (N,), their labels, int64 (N,), and their paths.
    Raises: AurlError, as `labels_with_frames`.
    """
    labels = labels_with_frames(manifest, broken, classes, store)
    videos = np.flatnonzero(labels >= 0)
    rows = zip(iterate_usable(manifest, broken), labels, strict=True)
    return videos, labels[videos], [row["path"] for row, label in rows if label >= 0]

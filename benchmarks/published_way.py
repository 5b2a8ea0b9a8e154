"""The published way of doing things, restated to be measured against.

Written from the paper and from what is known of how the released code behaves, not from its text; where that is open,
the restatement does the cheaper thing. `tests/benchmarks` shows that each gives the results that ours gives.
"""

import io
from collections.abc import Iterable
from pathlib import Path

import lmdb
import msgpack
import numpy as np
import torch
from PIL import Image
from scipy.spatial.distance import cdist
from torch import Tensor
from torch.nn import functional

from aurl.models.zero_shot import ZeroShotModel


def full_size_jpeg(frame: np.ndarray, quality: int) -> bytes:
    """One frame (height, width, 3) as JPEG at its full size."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def write_database(path: Path, videos: Iterable[list[bytes]]) -> None:
    """Write an LMDB of videos, numbered from 0: each value is one msgpack list of all frames' JPEGs."""
    with lmdb.open(str(path), map_size=2**36) as database:
        for number, jpegs in enumerate(videos):
            with database.begin(write=True) as transaction:
                transaction.put(str(number).encode(), msgpack.packb(jpegs))


class VideoDatabase:
    """Clips from an LMDB: read the whole video, then decode, resize and normalise the frames that are wanted."""

    def __init__(self, path: Path, size: int, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        self.database = lmdb.open(str(path), readonly=True, lock=False, readahead=False)
        self.size = size
        self.mean, self.std = (torch.tensor(values).view(3, 1, 1, 1) for values in (mean, std))

    def value_bytes(self, video: int) -> int:
        """Bytes that every clip of the video reads."""
        with self.database.begin(buffers=True) as transaction:
            return len(transaction.get(str(video).encode()))

    def read(self, video: int, frames: np.ndarray) -> Tensor:
        """A normalised clip, float32 (3, T, size, size)."""
        with self.database.begin() as transaction:
            jpegs = msgpack.unpackb(transaction.get(str(video).encode()))
        images = [Image.open(io.BytesIO(jpegs[frame])) for frame in frames]
        resized = [np.asarray(image.resize((self.size, self.size), Image.Resampling.BILINEAR)) for image in images]
        clip = torch.from_numpy(np.stack(resized)).permute(3, 0, 1, 2).float() / 255
        return (clip - self.mean) / self.std


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """cos(a_i, b_j): (n, d), (m, d) -> (n, m)."""
    return functional.normalize(a, dim=1) @ functional.normalize(b, dim=1).T


def heads_and_losses(
    model: ZeroShotModel, features: Tensor, embeddings: Tensor, labels: Tensor, mix: Tensor, scale: float
) -> tuple[float, float]:
    """Projectors, L_S + L_C + L_US and the way back; then the training accuracy that is printed.

    For the accuracy all class names are encoded a second time and compared by scipy on the CPU.

    Args:
        features: (B, f) of the backbone. embeddings: (K, d) c(y). labels: (B,). mix: (K_u, K) drawn from U(0, 1).
    Returns: the loss and the top-1 in percent; gradients are in the parameters.
    """
    assert model.visual_centres is not None
    model.zero_grad(set_to_none=True)
    videos = model.video_projector(features)
    classes = model.embed_classes(embeddings)
    loss = functional.cross_entropy(scale * cosine(videos, classes), labels)
    loss = loss + functional.cross_entropy(scale * cosine(videos, model.visual_centres), labels)
    theta = mix @ functional.normalize(model.visual_centres, dim=1)
    z = mix @ functional.normalize(classes, dim=1)
    loss = loss + functional.cross_entropy(scale * cosine(z, theta), torch.arange(len(mix), device=mix.device))
    loss.backward()
    with torch.no_grad():
        again = model.embed_classes(embeddings)
    distance = cdist(videos.detach().cpu().numpy(), again.cpu().numpy(), "cosine")
    return loss.item(), float(100 * (distance.argmin(axis=1) == labels.cpu().numpy()).mean())


def split_accuracies(videos: np.ndarray, labels: np.ndarray, classes: np.ndarray, chosen: np.ndarray) -> list[float]:
    """Top-1 and top-5 in percent on the videos of the chosen classes: a distance matrix of its own, sorted.

    Args:
        videos: (N, d). labels: (N,). classes: (K, d). chosen: sorted class numbers.
    """
    inside = np.isin(labels, chosen)
    distance = cdist(videos[inside], classes[chosen], "cosine")
    order = chosen[np.argsort(distance, axis=1)]
    return [100 * float((order[:, :k] == labels[inside][:, None]).any(axis=1).mean()) for k in (1, 5)]


def closeness(videos: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> float:
    """Mean over classes of the mean cosine distance of their videos to the class, class by class."""
    distances = [cdist(videos[labels == label], classes[label : label + 1], "cosine") for label in np.unique(labels)]
    return float(np.mean([distance.mean() for distance in distances]))


def dispersion(videos: np.ndarray, labels: np.ndarray) -> float:
    """Mean over classes of the smallest cosine distance to another class's mean embedding, class by class."""
    means = []
    for label in np.unique(labels):
        units = videos[labels == label] / np.linalg.norm(videos[labels == label], axis=1, keepdims=True)
        means.append(units.mean(axis=0) / np.linalg.norm(units.mean(axis=0)))
    nearest = []
    for number, mean in enumerate(means):
        others = [other for index, other in enumerate(means) if index != number]
        nearest.append(min(1 - float(mean @ other) for other in others))
    return float(np.mean(nearest))

"""Draw a small world of features and words, in which names say how videos look.

A class is a point z on a sphere; its embedding is z A and the features of its videos are 2 + z B, both with noise.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from aurl.methods.base import ClassSet, SeenVideos
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel

FACTORS, DIMENSION, FEATURES, CLIPS = 3, 10, 12, 3


@dataclass(frozen=True)
class Toy:
    """Hold the seen videos, and test videos (n, clips, d) with labels (n,) of classes that are not seen.

    `network` loads a network whose projectors are right for this world.
    """

    seen: SeenVideos
    tested: Tensor
    labels: Tensor
    unseen: ClassSet
    network: Callable[[], ZeroShotModel]

    def of_videos(self, rows: Tensor) -> SeenVideos:
        """Keep some of the seen videos, int64 (m,), and all classes."""
        return replace(self.seen, videos=self.seen.videos[rows], labels=self.seen.labels[rows])

    def one_class(self) -> SeenVideos:
        """Keep the videos of the first class, and this class alone."""
        rows, classes = torch.nonzero(self.seen.labels == 0)[:, 0], self.seen.classes
        only = ClassSet(classes.names[:1], classes.embeddings[:1], classes.words[:1])
        return replace(self.of_videos(rows), classes=only)


def draw_toy(seed: int = 0, classes: int = 24, videos: int = 8) -> Toy:
    """Draw seen classes with a number of videos each, and six other classes with 20 test videos each."""
    random = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    to_words, to_features = noise(FACTORS, DIMENSION), 0.5 * noise(FACTORS, FEATURES)
    turned = torch.linalg.qr(noise(FACTORS, FACTORS)).Q
    points = {
        "seen": torch.nn.functional.normalize(noise(classes, FACTORS), dim=1),
        "new": torch.cat([turned, -turned]),
    }

    def class_set(kind: str) -> ClassSet:
        embeddings = points[kind] @ to_words + 0.05 * noise(len(points[kind]), DIMENSION)
        apart = 0.1 * noise(len(embeddings), DIMENSION)
        words = torch.stack([embeddings - apart, embeddings + apart], dim=1)
        return ClassSet([f"{kind} {number}" for number in range(len(embeddings))], embeddings, list(words))

    def film(kind: str, labels: Tensor) -> Tensor:
        centres = (2 + points[kind][labels] @ to_features)[:, None]
        return centres + 0.15 * noise(len(labels), 1, FEATURES) + 0.1 * noise(len(labels), CLIPS, FEATURES)

    labels, tested = torch.arange(classes).repeat_interleave(videos), torch.arange(2 * FACTORS).repeat_interleave(20)
    seen = SeenVideos(film("seen", labels), labels, class_set("seen"))
    back = torch.linalg.pinv(to_features) @ to_words
    return Toy(seen, film("new", tested), tested, class_set("new"), lambda: _network(back))


def _network(back: Tensor) -> ZeroShotModel:
    """Make a network whose projector of videos maps features (d) back to class embeddings (e); words stay."""
    colour = (0.5, 0.5, 0.5)
    shape = ModelShape.model_validate({
        "backbone": {"name": "r2plus1d", "width": 4, "blocks": [1]}, "embedding": 4, "word_hidden": 4, "dropout": 0.0,
        "mean": colour, "std": colour, "dimension": back.shape[1], "word_projector": False, "seen_classes": None,
    })  # fmt: skip
    model = ZeroShotModel(shape)
    linear = torch.nn.Linear(*back.shape)
    with torch.no_grad():
        linear.weight.copy_(back.T)
        linear.bias.copy_(-2 * back.sum(dim=0))
    model.video_projector = linear
    return model.eval()

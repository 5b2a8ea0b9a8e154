"""Build the zero-shot model: backbone g, video projector f_v, word projector f_s, visual centres W."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from aurl.backbones.base import build_backbone
from aurl.experiment.variants import NETWORKS
from aurl.models.shape import ModelShape
from aurl.system import plugins


def projector(features: int, embedding: int) -> nn.Sequential:
    """Build a 3-layer MLP: each layer Linear + BatchNorm1d, ReLU after the first two only (released code)."""
    layers: list[nn.Module] = []
    for width_in, last in ((features, False), (embedding, False), (embedding, True)):
        layers += [nn.Linear(width_in, embedding), nn.BatchNorm1d(embedding)]
        layers += [] if last else [nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class ZeroShotModel(nn.Module):
    """Embed clips and class names into one space: the paper's network, and the base of all others.

    With a word projector both go to `embedding` dimensions; without, videos go through one Linear to the
    word vectors' own dimension (*assumed*: no BatchNorm) and class embeddings stay as they are.
    """

    mean: Tensor
    std: Tensor
    video_projector: nn.Module
    word_projector: nn.Module | None

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.backbone = build_backbone(shape.backbone)
        self.dropout = nn.Dropout(shape.dropout)
        features: int = self.backbone.features  # type: ignore[assignment]
        space = self.build_projectors(shape, features)
        centres = None if shape.seen_classes is None else torch.rand(shape.seen_classes, space)  # from U(0, 1)
        self.visual_centres = None if centres is None else nn.Parameter(centres)
        self.register_buffer("mean", torch.tensor(shape.mean).view(3, 1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(shape.std).view(3, 1, 1, 1), persistent=False)

    def build_projectors(self, shape: ModelShape, features: int) -> int:
        """Build what maps features into the common space; returns the space's dimension."""
        if not shape.word_projector:
            self.video_projector = nn.Linear(features, shape.dimension)
            self.word_projector = None
            return shape.dimension
        self.video_projector = projector(features, shape.embedding)
        words = nn.Linear(shape.dimension, shape.word_hidden)
        self.word_projector = nn.Sequential(words, projector(shape.word_hidden, shape.embedding))
        return shape.embedding

    def learn_classes(self, embeddings: Tensor, words: Sequence[Tensor]) -> None:
        """Keep what a network needs of the seen classes, before training.

        Args:
            embeddings: c(y) (K, dimension). words: the vectors of each class's words, (words, dimension); may be empty.
        """

    def embed_videos(self, clips: Tensor) -> Tensor:
        """Embed uint8 clips (B, T, H, W, 3): (B, space). The permuted input is already channels-last."""
        return self.embed_inside(clips)[0]

    def embed_inside(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """Embed uint8 clips (B, T, H, W, 3): (B, space), and what they are before the projector, (B, ...)."""
        features = self.read_clips(clips)
        return self.project_videos(features), features

    def read_clips(self, clips: Tensor) -> Tensor:
        """Give what the projector reads of uint8 clips (B, T, H, W, 3): (B, features)."""
        return self.pool_clips(clips)

    def project_videos(self, features: Tensor) -> Tensor:
        """Project what `read_clips` gives: (B, space)."""
        projected: Tensor = self.video_projector(self.dropout(features))
        return projected

    def pool_clips(self, clips: Tensor) -> Tensor:
        """Give the backbone's features of uint8 clips (B, T, H, W, 3): (B, features), before any projector."""
        pooled: Tensor = self.backbone(self.normalise(clips))
        return pooled

    def normalise(self, clips: Tensor) -> Tensor:
        """Normalise uint8 clips (B, T, H, W, 3): (B, 3, T, H, W)."""
        return (clips.permute(0, 4, 1, 2, 3).to(self.mean.dtype) / 255 - self.mean) / self.std

    def embed_classes(self, embeddings: Tensor) -> Tensor:
        """Embed class embeddings c(y) (K, dimension): (K, space); all K are one BatchNorm batch."""
        return embeddings if self.word_projector is None else self.word_projector(embeddings)

    def match(self, features: Tensor, labels: Tensor) -> Tensor:
        """Score videos with the words of classes, in a network that can.

        Args:
            features: what `read_clips` gives, (B, ...). labels: (B,) int64, a seen class for each.
        Returns: (B,), higher where video and words belong together.
        """
        raise NotImplementedError


def build_network(shape: ModelShape) -> ZeroShotModel:
    """Build the network that a shape names, the paper's by default; initialised from torch's generator."""
    if shape.network is None:
        return ZeroShotModel(shape)
    network: ZeroShotModel = plugins.load(NETWORKS, shape.network.name).build(shape.network, shape)
    return network

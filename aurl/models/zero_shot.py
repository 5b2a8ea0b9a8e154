"""Build the zero-shot model: backbone g, video projector f_v, word projector f_s, visual centres W."""

import torch
from torch import Tensor, nn

from aurl.backbones.base import build_backbone
from aurl.models.shape import ModelShape


def projector(features: int, embedding: int) -> nn.Sequential:
    """Build a 3-layer MLP: each layer Linear + BatchNorm1d, ReLU after the first two only (released code)."""
    layers: list[nn.Module] = []
    for width_in, last in ((features, False), (embedding, False), (embedding, True)):
        layers += [nn.Linear(width_in, embedding), nn.BatchNorm1d(embedding)]
        layers += [] if last else [nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class ZeroShotModel(nn.Module):
    """Embed clips and class names into one space.

    With a word projector both go to `embedding` dimensions; without, videos go through one Linear to the
    word vectors' own dimension (*assumed*: no BatchNorm) and class embeddings stay as they are.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.backbone = build_backbone(shape.backbone)
        self.dropout = nn.Dropout(shape.dropout)
        embedding, dimension = shape.embedding, shape.dimension
        features: int = self.backbone.features  # type: ignore[assignment]
        self.video_projector: nn.Module
        self.word_projector: nn.Module | None
        if shape.word_projector:
            self.video_projector = projector(features, embedding)
            words = nn.Linear(dimension, shape.word_hidden)
            self.word_projector = nn.Sequential(words, projector(shape.word_hidden, embedding))
        else:
            self.video_projector = nn.Linear(features, dimension)
            self.word_projector = None
        space = embedding if shape.word_projector else dimension
        centres = None if shape.seen_classes is None else torch.rand(shape.seen_classes, space)  # from U(0, 1)
        self.visual_centres = None if centres is None else nn.Parameter(centres)
        self.register_buffer("mean", torch.tensor(shape.mean).view(3, 1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(shape.std).view(3, 1, 1, 1), persistent=False)

    def embed_videos(self, clips: Tensor) -> Tensor:
        """Embed uint8 clips (B, T, H, W, 3): (B, space). The permuted input is already channels-last."""
        return self.video_projector(self.dropout(self.pool_clips(clips)))

    def pool_clips(self, clips: Tensor) -> Tensor:
        """Give the backbone's features of uint8 clips (B, T, H, W, 3): (B, features), before any projector."""
        x = (clips.permute(0, 4, 1, 2, 3).to(self.mean.dtype) / 255 - self.mean) / self.std
        return self.backbone(x)

    def embed_classes(self, embeddings: Tensor) -> Tensor:
        """Embed class embeddings c(y) (K, dimension): (K, space); all K are one BatchNorm batch."""
        return embeddings if self.word_projector is None else self.word_projector(embeddings)

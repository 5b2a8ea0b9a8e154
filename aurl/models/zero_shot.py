"""The zero-shot model: backbone g, video projector f_v, word projector f_s, visual centres W."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from aurl.models.r2plus1d import R2Plus1D


def projector(features: int, embedding: int) -> nn.Sequential:
    """3-layer MLP; every layer Linear + BatchNorm1d, ReLU after the first two only (released code)."""
    layers: list[nn.Module] = []
    for width_in, last in ((features, False), (embedding, False), (embedding, True)):
        layers += [nn.Linear(width_in, embedding), nn.BatchNorm1d(embedding)]
        layers += [] if last else [nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class WithoutMemory(TorchFunctionMode):
    """In this context a module is made of shapes alone: torch's device "meta", without its slow way to draw nothing."""

    def __enter__(self) -> "WithoutMemory":
        self._meta = torch.device("meta")
        self._meta.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *ended: Any) -> None:
        super().__exit__(*ended)
        self._meta.__exit__(*ended)

    def __torch_function__(self, called: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a function of torch, but for the one that draws initial weights."""
        return args[0] if called is Tensor.normal_ else called(*args, **(kwargs or {}))


class ZeroShotModel(nn.Module):
    """Embeds clips and class names into one space.

    With a word projector both go to `embedding` dimensions; without, videos go through one Linear to the
    word vectors' own dimension (*assumed*: no BatchNorm) and class embeddings stay as they are.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        *,
        width: int,
        blocks: list[int],
        embedding: int,
        word_hidden: int,
        dropout: float,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
        dimension: int,
        word_projector: bool,
        seen_classes: int | None,
    ) -> None:
        """
        Args:
            dimension: of the class embeddings c(y).
            seen_classes: how many visual centres to learn, None for none; they start from U(0, 1).
        """
        super().__init__()
        self.backbone = R2Plus1D(width, blocks)
        self.dropout = nn.Dropout(dropout)
        features = self.backbone.features
        self.video_projector: nn.Module
        self.word_projector: nn.Module | None
        if word_projector:
            self.video_projector = projector(features, embedding)
            self.word_projector = nn.Sequential(nn.Linear(dimension, word_hidden), projector(word_hidden, embedding))
        else:
            self.video_projector = nn.Linear(features, dimension)
            self.word_projector = None
        space = embedding if word_projector else dimension
        self.visual_centres = None if seen_classes is None else nn.Parameter(torch.rand(seen_classes, space))
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1, 1), persistent=False)

    def embed_videos(self, clips: Tensor) -> Tensor:
        """uint8 clips (B, T, H, W, 3) -> embeddings (B, space). The permuted input is already channels-last."""
        x = (clips.permute(0, 4, 1, 2, 3).to(self.mean.dtype) / 255 - self.mean) / self.std
        return self.video_projector(self.dropout(self.backbone(x)))

    def embed_classes(self, embeddings: Tensor) -> Tensor:
        """c(y) (K, dimension) -> (K, space); in training all K names are one BatchNorm batch."""
        return embeddings if self.word_projector is None else self.word_projector(embeddings)

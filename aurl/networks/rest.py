"""ResT: a transformer encodes the frames of a video and the words of a label.

    tokens:     [CLS]; P g(frame_t) for the T frames; Q u for the word vectors u of a label; each with its kind and place
    video:      v = the transformer's [CLS] of the frames alone (B, width)
    matching:   m(x, y) = a linear score of the transformer's [CLS] of the frames and the words of y (B,)
    classes:    f_s(c) = sum over k of softmax_k(cos(c, c_k) / temperature) unit(W_k) (K, width)

W (K, width) are the visual centres, prototypes of the K seen classes. The last line is the semantic transfer: the
prototype of an unseen class is a soft mixture of seen prototypes by similarity of names, and it is compared with videos
in visual space. Training: `centres` classifies the seen classes, `matching` compares videos with words.

Source: paper (Lin et al., Cross-modal Representation Learning for Zero-shot Action Recognition, CVPR 2022), of which
the abstract was at hand; no code is public. From the abstract are the joint encoding, the training end to end, and the
semantic transfer. *assumed*: all else.
- The experiment's backbone reads each frame alone (the paper's is a ResNet for images).
- Pre-norm layers of `width` with four times as many hidden units, sines for places, one learned vector for each kind.
- Words are word vectors; an encoder without words gives c(y) as one token.
- Classification by cosine to W with the experiment's temperature; inference with the frames alone.
- The prototypes are W, not means of videos, drawn from N(0, 0.02^2) at first; no gradient reaches them through `f_s`.
- `temperature`, and the losses' weights of 1.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, model_validator

from aurl.experiment.base import Positive
from aurl.networks.base import NetworkPart
from aurl.system.errors import AurlError

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.models.shape import ModelShape
    from aurl.models.zero_shot import ZeroShotModel

Few = Annotated[int, Field(ge=1, le=100)]


class Settings(NetworkPart):
    """Shape the transformer, and soften the semantic transfer.

    `width` is that of the tokens, of which each of the `heads` takes its share. `temperature` divides the cosines of
    names: the lower, the fewer seen classes make an unseen one.

    Attributes:
        width: of the tokens.
        layers: of the transformer.
        heads: of attention in a layer.
        temperature: of the similarity of names, for prototypes of unseen classes.
    """

    keeps_centres: ClassVar[bool] = True
    matches: ClassVar[bool] = True

    width: Annotated[int, Field(ge=2, le=1 << 16)] = 128
    layers: Few = 2
    heads: Positive = 4
    temperature: Annotated[float, Field(gt=0)] = 0.1

    @model_validator(mode="after")
    def _shares(self) -> "Settings":
        if self.width % (2 * self.heads):
            raise ValueError(f"width must be a multiple of twice the heads ({2 * self.heads}), not {self.width}")
        return self


def build(settings: Settings, shape: "ModelShape") -> "ZeroShotModel":
    """Build the network, with weights from torch's generator. Raises: ValueError without seen classes."""
    if shape.seen_classes is None:
        raise ValueError("ResT keeps a prototype of each seen class, and its description has no seen_classes")
    network: ZeroShotModel = network_class()(settings, shape)
    return network


def sines(places: int, like: "Tensor") -> "Tensor":
    """Encode places 0, 1, ... by sines and cosines (Vaswani et al., 2017).

    Args:
        like: tokens (..., width), of an even width.
    Returns: (places, width).
    """
    import torch

    half = like.shape[-1] // 2
    rates = 10000 ** (-torch.arange(half, device=like.device, dtype=like.dtype) / half)
    angles = torch.arange(places, device=like.device, dtype=like.dtype)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


@cache
def network_class() -> Any:
    """Define the network. It is defined here because its base class needs torch, and `Settings` must not."""
    import torch
    from torch import nn
    from torch.nn import functional
    from torch.nn.utils.rnn import pad_sequence

    from aurl.models.cosine import unit
    from aurl.models.zero_shot import ZeroShotModel

    class ResT(ZeroShotModel):
        """Embed clips by the transformer, and classes by the seen classes' prototypes."""

        seen_embeddings: "Tensor"

        def __init__(self, settings: Settings, shape: "ModelShape") -> None:
            self.settings = settings
            super().__init__(shape)
            self.register_buffer("seen_embeddings", torch.zeros(shape.seen_classes or 0, shape.dimension))
            if self.visual_centres is not None:
                nn.init.normal_(self.visual_centres, std=0.02)  # apart from the start, unlike U(0, 1)
            self.words, self.padding = torch.empty(0), torch.empty(0)

        def build_projectors(self, shape: "ModelShape", features: int) -> int:
            width = self.settings.width
            self.video_projector = nn.Linear(features, width)
            self.word_projector = nn.Linear(shape.dimension, width)
            self.kinds = nn.Parameter(0.02 * torch.randn(3, width))  # the [CLS] token, frames, words
            layer = nn.TransformerEncoderLayer(
                width, self.settings.heads, 4 * width, shape.dropout, "gelu", batch_first=True, norm_first=True
            )
            self.encoder = nn.TransformerEncoder(
                layer, self.settings.layers, nn.LayerNorm(width), enable_nested_tensor=False
            )
            self.matcher = nn.Linear(width, 1)
            return width

        def learn_classes(self, embeddings: "Tensor", words: "Sequence[Tensor]") -> None:
            listed = list(words) or list(embeddings[:, None])
            lengths = torch.tensor([len(each) for each in listed], device=embeddings.device)
            self.seen_embeddings.copy_(embeddings)
            self.words = pad_sequence(listed, batch_first=True).to(embeddings)
            self.padding = torch.arange(self.words.shape[1], device=embeddings.device) >= lengths[:, None]

        def read_clips(self, clips: "Tensor") -> "Tensor":
            """Give the features of each frame: (B, T, features)."""
            frames = self.normalise(clips.flatten(0, 1)[:, None])
            return self.backbone(frames).unflatten(0, clips.shape[:2])

        def pool_clips(self, clips: "Tensor") -> "Tensor":
            return self.read_clips(clips).mean(dim=1)

        def project_videos(self, features: "Tensor") -> "Tensor":
            if features.ndim != 3:
                raise AurlError(
                    "ResT reads the features of frames; stored features are their means: name another network"
                )
            return self.encode(self.frame_tokens(features))

        def match(self, features: "Tensor", labels: "Tensor") -> "Tensor":
            assert self.word_projector is not None
            words = self.word_projector(self.words[labels]) + self.kinds[2]
            tokens = torch.cat([self.frame_tokens(features), words + sines(words.shape[1], words)], dim=1)
            known = torch.zeros(len(labels), 1 + features.shape[1], dtype=torch.bool, device=labels.device)
            return self.matcher(self.encode(tokens, torch.cat([known, self.padding[labels]], dim=1)))[:, 0]

        def frame_tokens(self, features: "Tensor") -> "Tensor":
            """Make tokens of frames: (B, T, features) -> (B, 1 + T, width), the [CLS] token first."""
            frames = self.video_projector(self.dropout(features)) + self.kinds[1]
            frames = frames + sines(frames.shape[1], frames)
            return torch.cat([self.kinds[0].expand(len(frames), 1, -1), frames], dim=1)

        def encode(self, tokens: "Tensor", padding: "Tensor | None" = None) -> "Tensor":
            """Encode tokens (B, n, width), without those where `padding` (B, n): the [CLS] token's (B, width)."""
            return self.encoder(tokens, src_key_padding_mask=padding)[:, 0]

        def embed_classes(self, embeddings: "Tensor") -> "Tensor":
            """Mix the seen prototypes by the similarity of names: (K, dimension) -> (K, width)."""
            assert self.visual_centres is not None
            with torch.no_grad():
                similarity = unit(embeddings) @ unit(self.seen_embeddings).T
                shares = functional.softmax(similarity / self.settings.temperature, dim=1)
                return shares @ unit(self.visual_centres)

    return ResT

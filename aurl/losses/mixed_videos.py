"""L_V: contrast virtual classes, which are mixed pairs of videos.

    a ~ U(low, high) (B, 1);  j: a random order of the batch
    v = f_v(a x_i + (1 - a) x_j) (B, d);  s = f_s(a c(y_i) + (1 - a) c(y_j)) (B, d)
    mean over i of -log softmax_k(lambda cos(v_i, s_k))[i], over the B mixed classes, and the K seen ones if `seen`

Videos are mixed before the projectors: x (B, features) is what the backbone makes of them. c(y) is the class embedding.
Computed on every `every`-th step.
Source: assumed; synthetic classes are the paper's idea, and mixing of inner features is manifold mixup (Verma et al.,
ICML 2019). BatchNorm normalises the mixed rows by themselves, and its running statistics stay those of real ones.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import model_validator

from aurl.experiment.base import Positive
from aurl.losses.base import FeatureBatch, TermSettings

if TYPE_CHECKING:
    from torch import Tensor, nn


class Settings(TermSettings):
    """Mix pairs of videos with weights from U(low, high), and their class embeddings alike.

    `every` is the distance of the steps that mix. `seen` contrasts the mixed videos with the seen classes too.

    Attributes:
        low: the smallest share of the first video in a pair.
        high: its largest share.
        every: the distance of the steps that mix, 2 for every other one.
        seen: contrast the mixed videos with the seen classes too.
    """

    symbol = "L_V"
    reads = ("features",)
    whole_batch = True

    low: float = 0.25
    high: float = 0.75
    every: Positive = 2
    seen: bool = False

    @model_validator(mode="after")
    def _range(self) -> "Settings":
        if self.low >= self.high:
            raise ValueError(f"low must be below high, not {self.low} and {self.high}")
        return self


@contextmanager
def kept_statistics(*modules: "nn.Module | None") -> Iterator[None]:
    """Keep BatchNorm's running statistics while rows pass that are no real ones."""
    from torch.nn.modules.batchnorm import _BatchNorm

    norms = [m for module in modules if module is not None for m in module.modules() if isinstance(m, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def loss(settings: Settings, batch: FeatureBatch) -> "Tensor":
    """Compute the mean over the batch, a scalar; 0 on a step that does not mix."""
    import torch

    from aurl.models.cosine import contrastive

    inside = batch.inside
    if inside.step % settings.every != settings.every - 1:
        return batch.videos.new_zeros(())
    number, device = len(batch.labels), inside.random.device
    weights = torch.rand(number, 1, generator=inside.random, device=device).to(batch.videos)
    weights = settings.low + (settings.high - settings.low) * weights
    other = torch.randperm(number, generator=inside.random, device=device)
    classes = inside.embeddings[batch.labels]
    network = inside.network
    with kept_statistics(network.video_projector, network.word_projector):
        videos = network.project_videos(mixed(inside.features, weights, other))
        targets = network.embed_classes(mixed(classes, weights, other))
    candidates = torch.cat([targets, batch.classes]) if settings.seen else targets
    return contrastive(videos, candidates, torch.arange(number, device=videos.device), batch.scale)


def mixed(rows: "Tensor", weights: "Tensor", other: "Tensor") -> "Tensor":
    """Mix each row of (B, ...) with the row `other` (B,) of the batch, by weights (B, 1)."""
    weights = weights.view(-1, *[1] * (rows.ndim - 1))
    return weights * rows + (1 - weights) * rows[other]

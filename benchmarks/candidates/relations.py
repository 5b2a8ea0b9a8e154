"""L_R: keep the similarities of the seen classes' words.

    mean over i != j of (cos(s_i, s_j) - cos(c_i, c_j))^2        classes s = f_s(c) (K, d), embeddings c (K, dimension)

Keeps the word projector from forgetting the word space where it fits the seen classes. Source: assumed, after isometric
propagation networks (Liu et al., ICLR 2021).
"""

from typing import TYPE_CHECKING

from aurl.losses.base import FeatureBatch, TermSettings

if TYPE_CHECKING:
    from torch import Tensor


class Settings(TermSettings):
    """Keep the cosines between classes as their words have them."""

    symbol = "L_R"
    reads = ("features",)  # a term of classes alone is not given c(y)


def loss(settings: Settings, batch: FeatureBatch) -> "Tensor":
    """Compute the mean over the pairs of classes, a scalar; 0 for one class."""
    from aurl.models.cosine import cosine_logits

    embeddings, number = batch.inside.embeddings, len(batch.classes)
    apart = cosine_logits(batch.classes, batch.classes, 1.0) - cosine_logits(embeddings, embeddings, 1.0)
    return apart.square().sum() / max(number * (number - 1), 1)  # the diagonal is 0

"""Learn a bilinear form between features and class embeddings by a ranking loss."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from aurl.heads.descent import DescentSettings, Weights

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.methods.base import ClassSet, SeenVideos


class BilinearSettings(DescentSettings):
    """The margin of the hinge, and the share of inputs that dropout sets to zero, of videos and of words."""

    margin: Annotated[float, Field(gt=0)] = 0.1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5


def fit_bilinear(
    seen: "SeenVideos", settings: BilinearSettings, seed: int, loss: "Callable[[Tensor, Tensor, float], Tensor]"
) -> "dict[str, Tensor]":
    """Learn W (d, e) of score(v, y) = v' W s_y, on centred and scaled features and unit class embeddings.

    Args:
        loss: scores (b, K), labels (b,), margin -> scalar.
    """
    import torch

    from aurl.heads.descent import descend, drop, uniform
    from aurl.heads.scaling import fit_scale, scaled
    from aurl.models.cosine import unit

    scale = fit_scale(seen.means)
    features, words = scaled(seen.means, scale), unit(seen.classes.embeddings)
    random = torch.Generator().manual_seed(seed)

    def batch_loss(weights: Weights, rows: "Tensor", random: torch.Generator) -> "Tensor":
        videos = drop(features[rows], settings.dropout, random)
        return loss(
            videos @ weights["map"] @ drop(words, settings.dropout, random).T, seen.labels[rows], settings.margin
        )

    start = {"map": uniform(features.shape[1], words.shape[1], features.shape[1], random)}
    return scale | descend(start, batch_loss, len(features), settings, random)


def bilinear_scores(videos: "Tensor", classes: "ClassSet", weights: Weights) -> "Tensor":
    """Score by the form: (n, clips, d), C classes -> (n, C)."""
    from aurl.heads.scaling import scaled
    from aurl.models.cosine import unit

    return scaled(videos.mean(dim=1), weights) @ weights["map"] @ unit(classes.embeddings).T

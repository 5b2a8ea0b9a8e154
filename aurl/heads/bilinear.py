"""Learn a bilinear form between features and class embeddings by a ranking loss."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from aurl.experiment.base import Positive
from aurl.heads.descent import DescentSettings, Weights

if TYPE_CHECKING:
    from torch import Tensor


class BilinearSettings(DescentSettings):
    """The margin of the hinge, and the share of inputs that dropout sets to zero, of videos and of words.

    *assumed*: 500 steps at 1e-2. On 60 seen classes held out of `mini` this gave DeViSE and SJE 49.7 and 45.3 %, and
    1,500 steps at 1e-3 48.6 and 47.5 %, in three times the time (one seed).

    Attributes:
        margin: of the hinge.
        dropout: share of inputs that training drops, of videos and of words.
    """

    steps: Positive = 500
    lr: Annotated[float, Field(gt=0)] = 1e-2
    margin: Annotated[float, Field(gt=0)] = 0.1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5


class RankingForm:
    """Learn and use a bilinear form; a method adds this to `FeatureMethod`, and names its loss.

    Attributes:
        LOSS: a function of aurl/heads/ranking.py.
    """

    LOSS: ClassVar[str]
    ASSUMED = "features centred and scaled; steps and rate"
    settings: BilinearSettings
    weights: "dict[str, Tensor]"

    def fit(self, seen: Any, seed: int) -> None:
        """Learn W by Adam from `SeenVideos`."""
        from aurl.heads import ranking

        loss = getattr(ranking, self.LOSS)
        self.weights = fit_bilinear(seen.means, seen.labels, seen.classes.embeddings, self.settings, seed, loss)

    def score(self, videos: "Tensor", classes: Any) -> "Tensor":
        """Score by the form: (n, clips, d), C classes of a `ClassSet` -> (n, C)."""
        return bilinear_scores(videos.mean(dim=1), classes.embeddings, self.weights)


def fit_bilinear(
    videos: "Tensor", labels: "Tensor", classes: "Tensor", settings: BilinearSettings, seed: int,
    loss: "Callable[[Tensor, Tensor, float], Tensor]",
) -> "dict[str, Tensor]":  # fmt: skip
    """Learn W (d, e) of score(v, y) = v' W s_y, on centred and scaled features and unit class embeddings.

    Args:
        videos: features (N, d). labels: int64 (N,). classes: embeddings (K, e).
        loss: scores (b, K), labels (b,), margin -> scalar.
    """
    import torch

    from aurl.heads.descent import descend, drop, uniform
    from aurl.heads.scaling import fit_scale, scaled
    from aurl.models.cosine import unit

    scale = fit_scale(videos)
    features, words = scaled(videos, scale), unit(classes)
    random = torch.Generator().manual_seed(seed)

    def batch_loss(weights: Weights, rows: "Tensor", random: torch.Generator) -> "Tensor":
        given = drop(features[rows], settings.dropout, random)
        places = weights["map"] @ drop(words, settings.dropout, random).T
        return loss(given @ places, labels[rows], settings.margin)

    start = {"map": uniform(features.shape[1], words.shape[1], features.shape[1], random)}
    return scale | descend(start, batch_loss, len(features), settings, random)


def bilinear_scores(videos: "Tensor", classes: "Tensor", weights: Weights) -> "Tensor":
    """Score by the form: features (n, d), class embeddings (C, e) -> (n, C)."""
    from aurl.heads.scaling import scaled
    from aurl.models.cosine import unit

    return scaled(videos, weights) @ (weights["map"] @ unit(classes).T)

"""Learn a linear classifier of the seen classes on the stored features."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from aurl.heads.descent import DescentSettings, Weights

if TYPE_CHECKING:
    from torch import Tensor


class ClassifierSettings(DescentSettings):
    """The recipe of the classifier; *assumed*, as all of it."""

    lr: Annotated[float, Field(gt=0)] = 3e-2
    weight_decay: Annotated[float, Field(ge=0)] = 1e-5


def fit_classifier(
    videos: "Tensor", labels: "Tensor", classes: int, settings: DescentSettings, seed: int
) -> "dict[str, Tensor]":
    """Learn softmax(A x + b) by cross-entropy, on centred and scaled features x.

    Args:
        videos: features (N, d). labels: int64 (N,), numbers of K classes.
    Returns: the weights `classifier` (d, K) and `bias` (K,), beside the scale.
    """
    import torch
    from torch.nn.functional import cross_entropy

    from aurl.heads.descent import descend
    from aurl.heads.scaling import fit_scale, scaled

    scale = fit_scale(videos)
    features = scaled(videos, scale)

    def loss(weights: Weights, rows: "Tensor", random: torch.Generator) -> "Tensor":
        return cross_entropy(features[rows] @ weights["classifier"] + weights["bias"], labels[rows])

    start = {"classifier": torch.zeros(features.shape[1], classes), "bias": torch.zeros(classes)}
    return scale | descend(start, loss, len(features), settings, torch.Generator().manual_seed(seed))


def probabilities(videos: "Tensor", weights: Weights) -> "Tensor":
    """Give each video's probabilities of the seen classes: features (n, d) -> (n, K); rows sum to 1."""
    from aurl.heads.scaling import scaled

    return (scaled(videos, weights) @ weights["classifier"] + weights["bias"]).softmax(dim=1)

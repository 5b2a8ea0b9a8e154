"""Centre features on the seen videos and scale them, so that settings mean the same for every network."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

CENTRE, LENGTH = "centre", "length"  # the names of the two tensors among a method's weights


def fit_scale(features: "Tensor") -> "dict[str, Tensor]":
    """Measure the mean of features (N, d), and their root mean square distance from it; 1 where it is 0."""
    import torch

    centre = features.mean(dim=0)
    length = (features - centre).square().sum(dim=1).mean().sqrt()
    return {CENTRE: centre, LENGTH: torch.where(length > 0, length, torch.ones_like(length))}


def scaled(features: "Tensor", weights: "Mapping[str, Tensor]") -> "Tensor":
    """Centre and scale features (..., d) as those that were measured: their length is 1 on average."""
    return (features - weights[CENTRE]) / weights[LENGTH]


def standardised(features: "Tensor", weights: "Mapping[str, Tensor]") -> "Tensor":
    """Centre and scale features (..., d) to a variance of 1 on average."""
    return scaled(features, weights) * features.shape[-1] ** 0.5

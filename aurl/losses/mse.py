"""MSE: mean squared error between unit video and unit word embeddings.

    mean over i, j of (v_i / |v_i| - c(y_i) / |c(y_i)|)_j^2        videos v (B, d), classes c (K, d)

Source: the baseline of the paper, after the earlier paper's loss; its weight of 1 is assumed.
"""

from typing import TYPE_CHECKING

from aurl.losses.base import TermSettings, VideoBatch

if TYPE_CHECKING:
    from torch import Tensor


class Settings(TermSettings):
    """Pull each video to the fixed word vector of its class."""

    symbol = "MSE"
    reads = ("videos", "classes")
    fixed_words = True
    marked = False


def mean_squared_error(videos: "Tensor", targets: "Tensor") -> "Tensor":
    """Compute the mean over batch and dimensions of (unit(v) - unit(c(y)))^2: (n, d), (n, d) -> scalar."""
    from torch.nn import functional

    from aurl.models.cosine import unit

    return functional.mse_loss(unit(videos), unit(targets))


def loss(settings: Settings, batch: VideoBatch) -> "Tensor":
    """Compute the mean over batch and dimensions, a scalar."""
    return mean_squared_error(batch.videos, batch.classes[batch.labels])

"""MSE: mean squared error between unit video and unit word embeddings.

    mean over i, j of (v_i / |v_i| - c(y_i) / |c(y_i)|)_j^2        videos v (B, d), classes c (K, d)

Source: the baseline of the paper, after the earlier paper's loss; its weight of 1 is assumed.
"""

from typing import TYPE_CHECKING

from aurl.methods.base import TermSettings, VideoBatch

if TYPE_CHECKING:
    from torch import Tensor


class Settings(TermSettings):
    """Pull each video to the fixed word vector of its class."""

    symbol = "MSE"
    reads = ("videos", "classes")
    fixed_words = True
    marked = False


def loss(settings: Settings, batch: VideoBatch) -> "Tensor":
    """Compute the mean over batch and dimensions, a scalar."""
    from aurl.losses import mean_squared_error

    return mean_squared_error(batch.videos, batch.classes[batch.labels])

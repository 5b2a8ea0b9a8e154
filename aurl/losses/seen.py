"""L_S: contrast each video with all seen classes.

    mean over i of -log softmax_k(lambda cos(v_i, s_k))[y_i]        videos v (B, d), classes s (K, d)

Source: paper; lambda = 10 by the released code.
"""

from typing import TYPE_CHECKING

from aurl.losses.base import TermSettings, VideoBatch

if TYPE_CHECKING:
    from torch import Tensor


class Settings(TermSettings):
    """Align videos with their own class and spread the others apart."""

    symbol = "L_S"
    reads = ("videos", "classes")


def loss(settings: Settings, batch: VideoBatch) -> "Tensor":
    """Compute the mean over the batch, a scalar."""
    from aurl.models.cosine import contrastive

    return contrastive(batch.videos, batch.classes, batch.labels, batch.scale)

"""L_C: contrast each video with the learned visual centres of all seen classes.

    mean over i of -log softmax_k(lambda cos(v_i, W_k))[y_i]        videos v (B, d), centres W (K, d)

Source: released code. It trains the centres that `synthetic` mixes, and has no check mark of its own in the paper.
"""

from typing import TYPE_CHECKING

from aurl.losses.base import TermSettings, VideoBatch

if TYPE_CHECKING:
    from torch import Tensor


class Settings(TermSettings):
    """Learn one visual centre for each seen class."""

    symbol = "L_C"
    reads = ("videos", "centres")
    marked = False


def loss(settings: Settings, batch: VideoBatch) -> "Tensor":
    """Compute the mean over the batch, a scalar."""
    from aurl.models.cosine import contrastive

    return contrastive(batch.videos, batch.centres, batch.labels, batch.scale)

"""CE: softmax cross-entropy of a linear classifier over the seen classes; no word is read.

    mean over i of -log softmax_k(v_i . W_k)[y_i]        videos v (B, d), the classifier's rows W (K, d)

A variant with this term alone is a plain classifier, whose features have never seen the classes' words. W are the
model's visual centres. *assumed*: no bias, and the network's video projector before the classifier.
"""

from typing import TYPE_CHECKING

from aurl.losses.base import TermSettings, VideoBatch

if TYPE_CHECKING:
    from torch import Tensor


class Settings(TermSettings):
    """Classify the seen classes without their words."""

    symbol = "CE"
    reads = ("videos", "centres")
    marked = False


def loss(settings: Settings, batch: VideoBatch) -> "Tensor":
    """Compute the mean over the batch, a scalar."""
    from torch.nn import functional

    return functional.cross_entropy(batch.videos @ batch.centres.T, batch.labels)

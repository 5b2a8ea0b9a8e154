"""L_M: say whether a video and the words of a class belong together.

    mean over i of (softplus(-m(x_i, y_i)) + softplus(m(x_i, y'_i))) / 2        y' another seen class, drawn uniformly

m (B,) is the network's score of a video's tokens x with the words of a class, encoded together. Source: video-text
matching in the paper of ResT; the negative class and the binary cross-entropy are assumed.
"""

from typing import TYPE_CHECKING

from aurl.losses.base import FeatureBatch, TermSettings

if TYPE_CHECKING:
    from torch import Tensor


class Settings(TermSettings):
    """Match each video with its own class against one other."""

    symbol = "L_M"
    reads = ("features",)
    matches = True
    marked = False


def loss(settings: Settings, batch: FeatureBatch) -> "Tensor":
    """Compute the mean over the batch, a scalar; with one class there is no negative."""
    import torch
    from torch.nn import functional

    inside, labels, classes = batch.inside, batch.labels, len(batch.classes)
    features, matched, target = inside.features, labels, torch.ones(len(labels))
    if classes > 1:
        shift = torch.randint(1, classes, labels.shape, generator=inside.random, device=inside.random.device)
        matched = torch.cat([labels, (labels + shift.to(labels)) % classes])
        features, target = torch.cat([features, features]), torch.cat([target, torch.zeros(len(labels))])
    scores = inside.network.match(features, matched)
    return functional.binary_cross_entropy_with_logits(scores, target.to(scores))

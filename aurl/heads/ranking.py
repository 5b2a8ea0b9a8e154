"""Ranking losses: a video's own class must score higher than every other one, by a margin.

    h_y = max(0, margin + score(v, y) - score(v, own class)),  0 for the own class

Source: the released code of ER, whose margin is 0.1.
"""

import torch
from torch import Tensor


def violations(scores: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Compute h of each class: scores (b, K), labels int64 (b,) -> (b, K)."""
    own = scores.gather(1, labels[:, None])
    return (margin + scores - own).clamp_min(0).scatter(1, labels[:, None], 0.0)


def summed(scores: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Compute DeViSE's loss: the mean over the batch of the sum of h."""
    return violations(scores, labels, margin).sum(dim=1).mean()


def weighted_by_rank(scores: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Compute ALE's loss: the mean over the batch of beta_r / r times the sum of h.

    r is the number of classes with h > 0, beta_r = 1 + 1/2 + ... + 1/r; a video without such a class adds 0.
    """
    hinges = violations(scores, labels, margin)
    ranks = (hinges > 0).sum(dim=1)
    numbers = torch.arange(1, scores.shape[1] + 1, dtype=scores.dtype)
    betas = torch.cat([torch.zeros(1, dtype=scores.dtype), (1 / numbers).cumsum(dim=0)])
    return (betas[ranks] / ranks.clamp_min(1) * hinges.sum(dim=1)).mean()


def hardest(scores: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Compute SJE's loss: the mean over the batch of the largest h."""
    return violations(scores, labels, margin).max(dim=1).values.mean()

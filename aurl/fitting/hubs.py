"""Correct scores for hubs: classes that are near to most videos and take most predictions.

    CSLS:               2 s(v, y) - mean of the k highest s(u, y) over the videos u of a bank
    inverted softmax:   exp(beta s(v, y)) / sum over u of exp(beta s(u, y))

Source: CSLS, Lample et al., ICLR 2018, without the term of the video, which orders no class; the inverted softmax in
its dynamic form, Bogolin et al., CVPR 2022 (QB-Norm): it is applied only to videos whose first class is the first class
of some video of the bank. With seen training videos as the bank both are inductive. *assumed*: scores are used as they
are, whatever their scale.
"""

import torch
from torch import Tensor


def csls(scores: Tensor, bank: Tensor, neighbours: int) -> Tensor:
    """Subtract from each class its mean score among its nearest videos of the bank.

    Args:
        scores: (n, C) of the videos. bank: (b, C), scores of the bank's videos. neighbours: k; at most b are taken.
    Returns: (n, C).
    """
    nearest = bank.topk(min(neighbours, len(bank)), dim=0).values
    return 2 * scores - nearest.mean(dim=0)


def inverted_softmax(scores: Tensor, bank: Tensor, beta: float) -> Tensor:
    """Divide each class's weight by its weight in the bank, for videos near the bank.

    Only videos whose first class is the first class of some video of the bank are corrected.

    Args:
        scores: (n, C). bank: (b, C). beta: the inverse temperature.
    Returns: (n, C): logarithms for the corrected videos, unchanged scores for the others.
    """
    corrected = beta * scores - torch.logsumexp(beta * bank, dim=0)
    first = torch.zeros(scores.shape[1], dtype=torch.bool)
    first[bank.argmax(dim=1)] = True
    return torch.where(first[scores.argmax(dim=1)][:, None], corrected, scores)

"""Linear discriminant analysis: a classifier of the seen classes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def means_or_zeros(features: "Tensor", labels: "Tensor", classes: int) -> "Tensor":
    """Average features (N, d) of each class: (K, d), zeros where there is no video."""
    from aurl.heads.prototypes import class_means

    means, present = class_means(features, labels, classes)
    return means.new_zeros(classes, features.shape[1]).index_copy(0, present, means)


def discriminant_rows(features: "Tensor", labels: "Tensor", classes: int, shrinkage: float) -> "Tensor":
    """Solve for w_k = (S + shrinkage tr(S) / d I)^-1 m_k, S = X'X / N.

    A class's size does not matter to its row.

    Args:
        features: centred, float32 (N, d). labels: int64 (N,).
    Returns: float32 (K, d), zeros for a class without videos.
    """
    import torch

    rows = features.double()
    scatter = rows.T @ rows / len(rows)
    ridge = shrinkage * scatter.diagonal().mean().clamp_min(1e-12)
    solved = torch.linalg.solve(
        scatter + ridge * torch.eye(len(scatter)).double(), means_or_zeros(rows, labels, classes).T
    )
    return solved.T.float().contiguous()

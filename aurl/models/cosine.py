"""Compare embeddings by their cosine: unit rows, logits, and the contrastive loss."""

from torch import Tensor
from torch.nn import functional


def unit(rows: Tensor) -> Tensor:
    """Scale the rows of (n, d) to unit length."""
    return functional.normalize(rows, dim=1)


def cosine_logits(a: Tensor, b: Tensor, scale: float) -> Tensor:
    """Compute scale * cos(a_i, b_j): (n, d), (m, d) -> (n, m)."""
    return scale * unit(a) @ unit(b).T


def contrastive(a: Tensor, b: Tensor, labels: Tensor, scale: float) -> Tensor:
    """Compute con(a, b, y): the mean over the batch of -log softmax(scale * cos(a_i, b_j))[y_i].

    Written out it is scale * SoftPlus_scale(-sim_pos + LSE_neg / scale): the first part is alignment, the
    second uniformity. Source: poster; `scale` is its lambda.

    Args:
        a: (n, d). b: (m, d). labels: (n,) int64, the row of `b` that belongs to each row of `a`.
    Returns: scalar.
    """
    return functional.cross_entropy(cosine_logits(a, b, scale), labels)

"""The alignment-uniformity losses and the class generator. All similarities are cosine."""

import torch
from torch import Tensor
from torch.nn import functional


def unit(rows: Tensor) -> Tensor:
    """Scale the rows of (n, d) to unit length."""
    return functional.normalize(rows, dim=1)


def cosine_logits(a: Tensor, b: Tensor, scale: float) -> Tensor:
    """scale * cos(a_i, b_j): (n, d), (m, d) -> (n, m)."""
    return scale * unit(a) @ unit(b).T


def contrastive(a: Tensor, b: Tensor, labels: Tensor, scale: float) -> Tensor:
    """con(a, b, y): mean over the batch of -log softmax(scale * cos(a_i, b_j))[y_i] (poster; scale is lambda).

    Written out it is scale * SoftPlus_scale(-sim_pos + LSE_neg / scale): the first part is alignment, the
    second uniformity.

    Args:
        a: (n, d). b: (m, d). labels: (n,) int64, the row of `b` that belongs to each row of `a`.
    Returns: scalar.
    """
    return functional.cross_entropy(cosine_logits(a, b, scale), labels)


def mean_squared_error(videos: Tensor, targets: Tensor) -> Tensor:
    """Mean over batch and dimensions of (unit(v) - unit(c(y)))^2 for (n, d), (n, d) -> scalar (baseline `mse`)."""
    return functional.mse_loss(unit(videos), unit(targets))


def synthetic_contrastive(theta: Tensor, z: Tensor, scale: float, query: str) -> Tensor:
    """L_US: row i of the synthetic visual features against row i of the synthetic semantic ones.

    Args:
        theta, z: (K_u, d) synthetic visual and semantic features.
        query: `visual` as in the poster's formula, or `semantic` as in the released code.
    """
    rows = torch.arange(len(theta), device=theta.device)
    if query == "visual":
        return contrastive(theta, z, rows, scale)
    return contrastive(z, theta, rows, scale)


class ClassGenerator:
    """Synthesises classes by mixing seen ones: Lam ~ U(low, high), Theta = Lam @ unit(W), Z = Lam @ unit(s).

    The paper interpolates and extrapolates; the released code draws from (0, 1), with as many synthetic
    classes as seen ones.
    """

    def __init__(self, low: float, high: float, rows: int | None = None) -> None:
        """`rows` is K_u; None means as many as there are classes."""
        self.low, self.high, self.rows = low, high, rows

    def __call__(self, visual: Tensor, semantic: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(K, d) visual centres and (K, e) class embeddings -> (K_u, d) and (K_u, e), mixed alike.

        The rows of both are scaled to unit length first; gradients flow to both.
        """
        classes = len(visual)
        mix = torch.rand(self.rows or classes, classes, generator=generator, device=generator.device)
        mix = (self.low + (self.high - self.low) * mix).to(visual)
        return mix @ unit(visual), mix @ unit(semantic)


class IdentityGenerator:
    """AURL without the class generator: the seen classes themselves, Lam = identity (*assumed*)."""

    def __call__(self, visual: Tensor, semantic: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(K, d), (K, e) -> the same, rows scaled to unit length; draws nothing."""
        return unit(visual), unit(semantic)

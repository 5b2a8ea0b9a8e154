"""f-CLSWGAN's generator, its critic with a gradient penalty, and a classifier."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from aurl.heads.learning import descend

SLOPE = 0.2  # of LeakyReLU, as in the released code


class Generator(nn.Module):
    """Make features of classes: x = W2 LeakyReLU(W1 [z, c] + b1) + b2."""

    def __init__(self, noise: int, words: int, hidden: int, features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(noise + words, hidden), nn.LeakyReLU(SLOPE), nn.Linear(hidden, features))

    def forward(self, noise: Tensor, classes: Tensor) -> Tensor:
        """Make one feature for each row: (n, z), (n, e) -> (n, d)."""
        return self.layers(torch.cat([noise, classes], dim=1))


class Critic(nn.Module):
    """Judge features of classes: D(x, c) = w LeakyReLU(W [x, c] + b) + b'."""

    def __init__(self, features: int, words: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(features + words, hidden), nn.LeakyReLU(SLOPE), nn.Linear(hidden, 1))

    def forward(self, features: Tensor, classes: Tensor) -> Tensor:
        """Judge each row, higher is more real: (n, d), (n, e) -> (n,)."""
        return self.layers(torch.cat([features, classes], dim=1))[:, 0]


def gradient_penalty(critic: Callable[[Tensor, Tensor], Tensor], real: Tensor, generated: Tensor, classes: Tensor,
                     shares: Tensor) -> Tensor:  # fmt: skip
    """Compute mean (|dD(x, c) / dx| - 1)^2 at x = a real + (1 - a) generated.

    Source: Gulrajani et al., NeurIPS 2017; conditioned on classes, Xian et al., CVPR 2018.

    Args:
        real, generated: (n, d). classes: (n, e). shares: a, (n, 1) in [0, 1].
    Returns: scalar.
    """
    between = (shares * real + (1 - shares) * generated).detach().requires_grad_()
    (slopes,) = torch.autograd.grad(critic(between, classes).sum(), between, create_graph=True)
    return (slopes.norm(dim=1) - 1).square().mean()


def critic_loss(critic: Callable[[Tensor, Tensor], Tensor], real: Tensor, generated: Tensor, classes: Tensor,
                shares: Tensor, penalty: float) -> Tensor:  # fmt: skip
    """Compute mean D(generated, c) - mean D(real, c) + penalty * its penalty."""
    steepness = gradient_penalty(critic, real, generated, classes, shares)
    return critic(generated, classes).mean() - critic(real, classes).mean() + penalty * steepness


def softmax_classifier(batch: Callable[[], tuple[Tensor, Tensor]], features: int, classes: int, steps: int, rate: float,
                       decay: float) -> nn.Linear:  # fmt: skip
    """Train a linear softmax classifier from zero by Adam.

    Args:
        batch: draws features (n, d) and their classes, int64 (n,).
    """
    classifier = nn.Linear(features, classes)
    nn.init.zeros_(classifier.weight)
    nn.init.zeros_(classifier.bias)

    def loss() -> Tensor:
        rows, labels = batch()
        return functional.cross_entropy(classifier(rows), labels)

    descend(classifier.parameters(), loss, steps, rate, decay)
    return classifier.requires_grad_(False)

"""The losses of f-CLSWGAN, restated by hand, and its classifier against the optimum."""

import pytest
import torch
from torch import Tensor

from aurl.heads.generation import Critic, Generator, critic_loss, gradient_penalty, softmax_classifier

RANDOM = torch.Generator().manual_seed(0)
REAL, MADE, CLASSES = (torch.randn(4, size, generator=RANDOM, dtype=torch.float64) for size in (3, 3, 2))
SHARES = torch.rand(4, 1, generator=RANDOM, dtype=torch.float64)


@pytest.fixture
def critic() -> Critic:
    torch.manual_seed(2)
    return Critic(3, 2, 8).double()


def slope(critic: Critic, point: Tensor, of_class: Tensor) -> Tensor:
    """The critic's slope in x by central differences: (3,)."""
    steps = 1e-6 * torch.eye(3, dtype=torch.float64)
    with torch.no_grad():
        ends = [critic((point + sign * steps), of_class.expand(3, 2)) for sign in (1, -1)]
    return (ends[0] - ends[1]) / 2e-6


def test_the_gradient_penalty_is_that_of_finite_differences(critic: Critic) -> None:
    expected = 0.0
    for real, made, of_class, share in zip(REAL, MADE, CLASSES, SHARES, strict=True):
        between = share * real + (1 - share) * made
        expected += (float(slope(critic, between, of_class).norm()) - 1) ** 2 / 4
    assert gradient_penalty(critic, REAL, MADE, CLASSES, SHARES).item() == pytest.approx(expected, rel=1e-6)


def test_a_critic_of_slope_1_has_no_penalty() -> None:
    def ramp(features: Tensor, _: Tensor) -> Tensor:
        return features @ torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64)

    assert gradient_penalty(ramp, REAL, MADE, CLASSES, SHARES).item() == pytest.approx(0, abs=1e-12)
    assert critic_loss(ramp, REAL, MADE, CLASSES, SHARES, 10).item() == pytest.approx(
        float((MADE - REAL).mean(dim=0) @ torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64))
    )


def test_the_penalty_moves_the_critic_and_not_the_features(critic: Critic) -> None:
    made = MADE.clone().requires_grad_()
    gradient_penalty(critic, REAL, made, CLASSES, SHARES).backward()
    assert made.grad is None
    assert critic.layers[0].weight.grad is not None
    assert critic.layers[0].weight.grad.abs().sum() > 0


def test_the_loss_of_the_critic_adds_its_parts(critic: Critic) -> None:
    expected = critic(MADE, CLASSES).mean() - critic(REAL, CLASSES).mean()
    expected = expected + 10 * gradient_penalty(critic, REAL, MADE, CLASSES, SHARES)
    torch.testing.assert_close(critic_loss(critic, REAL, MADE, CLASSES, SHARES, 10), expected)


def test_the_networks_are_those_of_their_formulas(critic: Critic) -> None:
    torch.manual_seed(3)
    generator = Generator(2, 2, 5, 3).double()
    for network, inputs in ((generator, (CLASSES, CLASSES + 1)), (critic, (REAL, CLASSES))):
        first, last = network.layers[0], network.layers[2]
        hidden = torch.cat(inputs, dim=1) @ first.weight.T + first.bias
        expected = torch.where(hidden > 0, hidden, 0.2 * hidden) @ last.weight.T + last.bias
        torch.testing.assert_close(network(*inputs).reshape(4, -1), expected)


def test_the_classifier_reaches_the_optimum_of_its_loss() -> None:
    features = torch.randn(40, 3, generator=RANDOM)
    labels = (features[:, 0] + 0.5 * torch.randn(40, generator=RANDOM) > 0).long()
    learnt = softmax_classifier(lambda: (features, labels), 3, 2, 150, 0.1, 0.01)
    assert not learnt.weight.requires_grad
    chances = learnt(features).softmax(dim=1) - torch.nn.functional.one_hot(labels, 2)
    torch.testing.assert_close(chances.T @ features / 40 + 0.01 * learnt.weight, torch.zeros(2, 3), atol=1e-3, rtol=0)

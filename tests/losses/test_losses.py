"""Losses and the class generator, recomputed by hand."""

import math

import pytest
import torch
from torch import Tensor

from aurl.losses import ClassGenerator, IdentityGenerator, contrastive, mean_squared_error, synthetic_contrastive, unit


def cosine(a: Tensor, b: Tensor) -> float:
    return float((a @ b) / (a.norm() * b.norm()))


@pytest.fixture(params=[torch.float32, torch.float64])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


def example(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(3)
    a = torch.randn(5, 7, generator=random, dtype=dtype)
    b = torch.randn(4, 7, generator=random, dtype=dtype)
    return a, b, torch.tensor([0, 3, 1, 1, 2])


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_contrastive_is_the_mean_negative_log_softmax(dtype: torch.dtype, scale: float) -> None:
    a, b, labels = example(dtype)
    expected = 0.0
    for row, label in zip(a, labels, strict=True):
        scores = [math.exp(scale * cosine(row, other)) for other in b]
        expected -= math.log(scores[label] / sum(scores)) / len(a)
    assert contrastive(a, b, labels, scale).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_contrastive_equals_its_softplus_logsumexp_form(scale: float) -> None:
    """lambda * SP_lambda(-sim_pos + LSE(lambda * sim_neg) / lambda), the poster's alignment and uniformity."""
    a, b, labels = example(torch.float64)
    total = 0.0
    for row, label in zip(a, labels, strict=True):
        negatives = torch.tensor([scale * cosine(row, other) for k, other in enumerate(b) if k != label])
        inner = -cosine(row, b[label]) + torch.logsumexp(negatives, 0).item() / scale
        total += scale * (1 / scale) * math.log(1 + math.exp(scale * inner))
    assert contrastive(a, b, labels, scale).item() == pytest.approx(total / len(a), rel=1e-6)


def test_contrastive_does_not_depend_on_lengths() -> None:
    a, b, labels = example(torch.float64)
    assert contrastive(3 * a, 0.1 * b, labels, 10).item() == pytest.approx(contrastive(a, b, labels, 10).item())


def test_mean_squared_error_by_hand() -> None:
    videos = torch.tensor([[3.0, 4.0]])
    targets = torch.tensor([[0.0, 2.0]])
    assert mean_squared_error(videos, targets).item() == pytest.approx(((0.6 - 0) ** 2 + (0.8 - 1) ** 2) / 2)


@pytest.mark.parametrize("query", ["semantic", "visual"])
def test_synthetic_contrastive_takes_the_right_side_as_query(query: str) -> None:
    theta, z, _ = example(torch.float64)
    theta, z = theta[:4], z
    rows = torch.arange(4)
    expected = contrastive(theta, z, rows, 10) if query == "visual" else contrastive(z, theta, rows, 10)
    assert synthetic_contrastive(theta, z, 10, query).item() == pytest.approx(expected.item())
    assert contrastive(theta, z, rows, 10).item() != pytest.approx(contrastive(z, theta, rows, 10).item())


def test_class_generator_mixes_both_sides_with_the_same_weights() -> None:
    visual, semantic = torch.randn(6, 9), torch.randn(6, 4)
    theta, z = ClassGenerator(-0.5, 1.5, rows=11)(visual, semantic, torch.Generator().manual_seed(1))
    mix = -0.5 + 2 * torch.rand(11, 6, generator=torch.Generator().manual_seed(1))
    assert theta.shape == (11, 9)
    assert z.shape == (11, 4)
    torch.testing.assert_close(theta, mix @ unit(visual))
    torch.testing.assert_close(z, mix @ unit(semantic))


def test_class_generator_draws_anew_and_as_many_as_there_are_classes() -> None:
    random = torch.Generator().manual_seed(1)
    generator = ClassGenerator(0, 1)
    first, _ = generator(torch.eye(5), torch.eye(5), random)
    second, _ = generator(torch.eye(5), torch.eye(5), random)
    assert first.shape == (5, 5)
    assert not torch.equal(first, second)
    assert first.min() >= 0
    assert first.max() < 1


def test_class_generator_moments_on_orthogonal_classes() -> None:
    """Entries of Lam have mean 1/2 and mean square 1/3, so two mixes have cosine near (1/4) / (1/3) = 0.75."""
    theta, _ = ClassGenerator(0, 1)(torch.eye(600), torch.eye(600), torch.Generator().manual_seed(0))
    rows = unit(theta)
    cosines = (rows @ rows.T)[~torch.eye(600, dtype=torch.bool)]
    assert cosines.mean().item() == pytest.approx(0.75, abs=0.005)
    assert theta.mean().item() == pytest.approx(0.5, abs=0.005)
    assert theta.square().mean().item() == pytest.approx(1 / 3, abs=0.005)


@pytest.mark.parametrize(("classes", "space"), [(518, 128), (662, 2048)])
def test_mixtures_of_all_classes_are_nearly_one_point(classes: int, space: int) -> None:
    """With c the mean cosine of two classes, 1 - cos of two mixtures is (1 - c) / (3 c K + 4 (1 - c)): L_US is log K."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.rand(classes, space, generator=generator, dtype=torch.float64)  # as the visual centres begin
    names = torch.randn(classes, space, generator=generator, dtype=torch.float64)
    visual, semantic = ClassGenerator(0, 1)(centres, names, generator)
    mean_cosine = _off_diagonal(unit(centres) @ unit(centres).T)
    distance = 1 - _off_diagonal(unit(visual) @ unit(visual).T)
    assert mean_cosine == pytest.approx(0.75, abs=0.01)
    expected = (1 - mean_cosine) / (3 * mean_cosine * classes + 4 * (1 - mean_cosine))
    assert distance == pytest.approx(expected, rel=0.02)
    assert distance < 0.0003
    loss = contrastive(semantic, visual, torch.arange(classes), 10)
    assert loss.item() == pytest.approx(math.log(classes), abs=0.01)


def _off_diagonal(matrix: torch.Tensor) -> float:
    rows = len(matrix)
    return float((matrix.sum() - matrix.diagonal().sum()) / (rows * (rows - 1)))


def test_gradients_flow_to_both_sides_of_the_class_generator() -> None:
    visual, semantic = torch.randn(6, 5, requires_grad=True), torch.randn(6, 5, requires_grad=True)
    theta, z = ClassGenerator(0, 1)(visual, semantic, torch.Generator().manual_seed(2))
    synthetic_contrastive(theta, z, 10, "semantic").backward()
    assert visual.grad is not None
    assert semantic.grad is not None
    assert visual.grad.abs().sum() > 0
    assert semantic.grad.abs().sum() > 0


def test_identity_generator_gives_the_classes_themselves() -> None:
    visual, semantic = torch.randn(3, 5), torch.randn(3, 5)
    theta, z = IdentityGenerator()(visual, semantic, torch.Generator())
    torch.testing.assert_close(theta, unit(visual))
    torch.testing.assert_close(z, unit(semantic))

"""Seeds, batches, descent, kept tensors, episodes, and the seen classifier."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from aurl.heads.episodes import Episodes
from aurl.heads.learning import descend, endless_batches, kept, restore, seeded
from aurl.heads.scaling import fit_scale, standardised
from aurl.heads.seen_classifier import discriminant_rows, means_or_zeros


def test_draws_inside_depend_on_the_seed_and_leave_those_outside() -> None:
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    with seeded(4):
        first = torch.rand(3)
    assert torch.equal(torch.rand(2), expected)
    with seeded(4):
        assert torch.equal(torch.rand(3), first)


def test_batches_pass_over_all_videos_and_go_on() -> None:
    with seeded(0):
        batches = list(itertools.islice(endless_batches(5, 2), 6))
    assert [len(rows) for rows in batches] == [2, 2, 1, 2, 2, 1]
    assert sorted(torch.cat(batches[:3]).tolist()) == sorted(torch.cat(batches[3:]).tolist()) == [0, 1, 2, 3, 4]


def test_descent_is_adam_with_a_falling_rate() -> None:
    """Restated for (x - 3)^2 in float64."""
    place = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    descend([place], lambda: (place - 3).square().sum(), 5, 0.5, decay=0.1)
    x = mean = square = 0.0
    for step in range(5):
        slope = 2 * (x - 3)
        slope = slope * min(1, 10 / (abs(slope) + 1e-6)) + 0.1 * x
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        moved = mean / (1 - 0.9 ** (step + 1)) / (np.sqrt(square / (1 - 0.999 ** (step + 1))) + 1e-8)
        x -= 0.5 * (1 + np.cos(np.pi * step / 5)) / 2 * moved
    assert place.item() == pytest.approx(x, rel=1e-9)


def test_a_kept_network_is_restored_without_dropout() -> None:
    torch.manual_seed(0)
    first, second = (nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)) for _ in range(2))
    weights = kept(first)
    assert set(weights) == {"network.0.weight", "network.0.bias"}
    restore(second, weights | {"centre": torch.zeros(3)})
    assert torch.equal(second[0].weight, first[0].weight)
    assert not second.training


def test_standardised_features_have_mean_0_and_variance_1_on_average() -> None:
    features = 5 + torch.randn(50, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 2.0, 3.0, 4.0])
    rows = standardised(features, fit_scale(features))
    torch.testing.assert_close(rows.mean(dim=0), torch.zeros(4), atol=1e-5, rtol=0)
    assert rows.square().mean().item() == pytest.approx(1, rel=1e-5)


def test_episodes_hold_different_classes_and_videos_of_each() -> None:
    labels = torch.tensor([5, 0, 5, 2, 5])
    episodes, drawn = Episodes(labels), set()
    with seeded(0):
        for _ in range(50):
            classes, rows = episodes.draw(2, 3)
            assert len(set(classes.tolist())) == 2
            assert labels[rows].tolist() == classes.repeat_interleave(3).tolist()
            drawn |= set(rows.tolist())
        assert sorted(episodes.draw(20, 1)[0].tolist()) == [0, 2, 5]
    assert drawn == {0, 1, 2, 3, 4}


def test_the_seen_classifier_solves_for_the_class_means() -> None:
    features = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    features = features - features.mean(dim=0)
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 3, 3, 3])
    means = means_or_zeros(features, labels, 4)
    for number in (0, 1, 3):
        torch.testing.assert_close(means[number], features[labels == number].mean(dim=0))
    assert means[2].tolist() == [0] * 4
    x = features.double().numpy()
    scatter = x.T @ x / 9
    expected = np.linalg.inv(scatter + 0.3 * np.trace(scatter) / 4 * np.eye(4)) @ means.double().numpy().T
    np.testing.assert_allclose(discriminant_rows(features, labels, 4, 0.3).numpy(), expected.T, rtol=1e-4, atol=1e-6)


def test_the_seen_classifier_survives_features_without_spread() -> None:
    rows = discriminant_rows(torch.zeros(1, 3), torch.tensor([0]), 2, 1.0)
    assert rows.tolist() == [[0.0] * 3] * 2

"""The corrections for hubs against restatements by hand in float64."""

import numpy as np
import pytest
import torch

from aurl.fitting.hubs import csls, inverted_softmax


@pytest.fixture
def scores() -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    bank = torch.randn(30, 5, generator=random)
    bank[:, 4] = -9.0  # the first class of no video of the bank
    return torch.randn(12, 5, generator=random), bank


@pytest.mark.parametrize("neighbours", [1, 4, 99])
def test_csls(scores: tuple[torch.Tensor, torch.Tensor], neighbours: int) -> None:
    videos, bank = (each.double().numpy() for each in scores)
    hubs = [np.mean(sorted(bank[:, column], reverse=True)[:neighbours]) for column in range(5)]
    np.testing.assert_allclose(csls(*scores, neighbours).numpy(), 2 * videos - np.array(hubs), rtol=1e-5, atol=1e-5)


def test_the_inverted_softmax(scores: tuple[torch.Tensor, torch.Tensor]) -> None:
    """A video whose first class is no first class of the bank keeps its scores; the others get shares of the bank."""
    videos, bank = (each.double().numpy() for each in scores)
    corrected = inverted_softmax(*scores, beta=3.0).double().numpy()
    firsts = set(bank.argmax(axis=1))
    changed = 0
    for row, result in zip(videos, corrected, strict=True):
        if row.argmax() in firsts:
            np.testing.assert_allclose(np.exp(result), np.exp(3 * row) / np.exp(3 * bank).sum(axis=0), rtol=1e-4)
            changed += 1
        else:
            np.testing.assert_allclose(result, row, rtol=1e-6)
    assert 0 < changed < len(videos)

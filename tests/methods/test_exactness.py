"""Methods and losses against restatements by hand in float64, and gradients against finite differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from aurl.experiment.methods import METHODS
from aurl.fitting.check import Trial
from aurl.fitting.toy import draw_toy
from aurl.heads import ranking
from aurl.heads.descent import batches
from aurl.system import plugins

MARGIN = 0.1
LOSSES = {"devise": ranking.summed, "ale": ranking.weighted_by_rank, "sje": ranking.hardest}


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def world(name: str, **settings: Any) -> tuple[Trial, dict[str, np.ndarray]]:
    """A method's trial, and all it may see in float64: centred features `x` of length 1 on average, and words."""
    trial = Trial(name, draw_toy(seed=5, classes=12, videos=4))
    trial.__dict__["settings"] = trial.settings.model_copy(update=settings)
    seen = trial.toy.seen
    means = seen.videos.double().numpy().mean(axis=1)
    centre = means.mean(axis=0)
    length = np.sqrt(((means - centre) ** 2).sum(axis=1).mean())
    return trial, {
        "x": (means - centre) / length,
        "y": seen.labels.numpy(),
        "s": unit(seen.classes.embeddings.double().numpy()),
        "test": (trial.toy.tested.double().numpy().mean(axis=1) - centre) / length,
        "unseen": unit(trial.toy.unseen.embeddings.double().numpy()),
    }


def close(scores: torch.Tensor, expected: np.ndarray, tolerance: float = 1e-4) -> None:
    np.testing.assert_allclose(scores.numpy(), expected, atol=tolerance * np.abs(expected).max())


def test_eszsl() -> None:
    trial, given = world("eszsl", features_penalty=0.5, words_penalty=-1.0)
    x, s = given["x"].T, given["s"].T  # columns, as in the paper
    wanted = np.eye(s.shape[1])[given["y"]]
    left = np.linalg.inv(x @ x.T + 10**0.5 * np.eye(len(x)))
    right = np.linalg.inv(s @ s.T + 10**-1.0 * np.eye(len(s)))
    close(trial.scores(), given["test"] @ (left @ x @ wanted @ s.T @ right) @ given["unseen"].T)


def test_ridge() -> None:
    trial, given = world("ridge", penalty=0.02)
    words = given["s"][given["y"]]
    middle = words.mean(axis=0)
    square = (words - middle).T @ (words - middle) + 0.02 * len(words) * np.eye(words.shape[1])
    mapped = np.linalg.inv(square) @ (words - middle).T @ given["x"]
    close(trial.scores(), unit(given["test"]) @ unit((given["unseen"] - middle) @ mapped).T)


def test_semantic_transfer() -> None:
    trial, given = world("semantic_transfer", tau=0.2)
    prototypes = np.stack([given["x"][given["y"] == number].mean(axis=0) for number in range(12)])
    shares = np.exp(given["unseen"] @ given["s"].T / 0.2)
    shares /= shares.sum(axis=1, keepdims=True)
    close(trial.scores(), unit(given["test"]) @ unit(shares @ prototypes).T)


def softmax_of(trial: Trial, given: dict[str, np.ndarray]) -> np.ndarray:
    """The probabilities of the seen classes by the classifier that the method learnt."""
    weights = {name: tensor.double().numpy() for name, tensor in trial.method.weights.items()}
    odds = np.exp(given["test"] @ weights["classifier"] + weights["bias"])
    return odds / odds.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [3, 10, 40])
def test_conse(classes: int) -> None:
    trial, given = world("conse", classes=classes)
    rows = []
    for shares in softmax_of(trial, given):
        first = np.argsort(-shares)[:classes]
        mixed = (shares[first, None] * given["s"][first]).sum(axis=0) / shares[first].sum()
        rows.append(given["unseen"] @ mixed / np.linalg.norm(mixed))
    close(trial.scores(), np.array(rows))


def test_object_scores() -> None:
    trial, given = world("object_scores", objects=4)
    similar = given["unseen"] @ given["s"].T
    near = [np.argsort(-row)[:4] for row in similar]
    shares = softmax_of(trial, given)
    columns = [shares[:, first] @ np.maximum(row[first], 0) for row, first in zip(similar, near, strict=True)]
    close(trial.scores(), np.stack(columns, axis=1))


@pytest.mark.parametrize("name", LOSSES)
def test_bilinear_scores(name: str) -> None:
    trial, given = world(name)
    close(trial.scores(), given["test"] @ trial.method.weights["map"].double().numpy() @ given["unseen"].T)


def test_dem() -> None:
    trial, given = world("dem")
    weights = {name: tensor.double().numpy() for name, tensor in trial.method.weights.items()}
    mapped = np.maximum(given["unseen"] @ weights["first"], 0) @ weights["second"]
    if trial.toy.seen.means.min() >= 0:
        mapped = np.maximum(mapped, 0)
    videos = trial.toy.tested.double().numpy().mean(axis=1) / weights["length"]
    close(trial.scores(), -((videos[:, None] - mapped) ** 2).sum(axis=2))


def test_network() -> None:
    trial, given = world("network")
    model = trial.toy.network()
    linear = model.video_projector
    weight, bias = linear.weight.detach().double().numpy(), linear.bias.detach().double().numpy()
    projected = (trial.toy.tested.double().numpy() @ weight.T + bias).mean(axis=1)
    close(trial.scores(), unit(projected) @ given["unseen"].T)


def by_hand(name: str, scores: np.ndarray, labels: np.ndarray) -> float:
    """A ranking loss as the papers word it: one video after the other, one class after the other."""
    losses = []
    for row, own in zip(scores, labels, strict=True):
        hinges = sorted(max(0.0, MARGIN + value - row[own]) for number, value in enumerate(row) if number != own)
        rank = sum(value > 0 for value in hinges)
        weight = sum(1 / number for number in range(1, rank + 1)) / rank if rank else 0.0
        losses.append({"devise": sum(hinges), "ale": weight * sum(hinges), "sje": hinges[-1]}[name])
    return float(np.mean(losses))


@pytest.mark.parametrize("name", LOSSES)
def test_ranking_losses(name: str) -> None:
    random = torch.Generator().manual_seed(2)
    scores = 0.3 * torch.randn(20, 6, generator=random, dtype=torch.float64)
    labels = torch.randint(6, (20,), generator=random)
    scores[0, labels[0]] = 9.0  # no class violates the margin
    expected = by_hand(name, scores.numpy(), labels.numpy())
    assert LOSSES[name](scores, labels, MARGIN).item() == pytest.approx(expected, rel=1e-12)
    assert LOSSES[name](scores[:1], labels[:1], MARGIN).item() == 0


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_the_bilinear_form(name: str) -> None:
    """The gradient by W, as the fit takes it, against central differences of the loss that is stated by hand."""
    random = torch.Generator().manual_seed(4)
    x, s = (torch.randn(*shape, generator=random, dtype=torch.float64) for shape in ((9, 4), (5, 3)))
    labels = torch.randint(5, (9,), generator=random)
    form = torch.randn(4, 3, generator=random, dtype=torch.float64, requires_grad=True)
    LOSSES[name](x @ form @ s.T, labels, MARGIN).backward()
    assert form.grad is not None

    def loss(changed: np.ndarray) -> float:
        return by_hand(name, x.numpy() @ changed @ s.numpy().T, labels.numpy())

    expected = differences(loss, form.detach().numpy())
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(form.grad.numpy(), expected, atol=1e-6)


def differences(function: Callable[[np.ndarray], float], at: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Central differences of a function by each entry."""
    gradient = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        for sign in (1, -1):
            moved = at.copy()
            moved[place] += sign * step
            gradient[place] += sign * function(moved) / (2 * step)
    return gradient


def test_batches_are_permutations_one_after_the_other() -> None:
    drawn = torch.cat(list(batches(10, 4, 5, torch.Generator().manual_seed(0))))
    assert sorted(drawn[:10].tolist()) == sorted(drawn[10:].tolist()) == list(range(10))
    assert [len(rows) for rows in batches(3, 4, 2, torch.Generator())] == [3, 3]


def test_every_method_names_what_it_assumes() -> None:
    for name in plugins.names(METHODS):
        module = plugins.load(METHODS, name)
        assumed = "*assumed*" in (module.__doc__ or "")
        assert assumed == bool(module.Method.ASSUMED), name

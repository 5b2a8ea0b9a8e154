"""A tiny world of stored features: a class's features are a smooth function of its words, plus noise."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from aurl.methods.base import ClassSet, FeatureMethod, SeenVideos
from aurl.system import plugins

SEEN, UNSEEN, WORDS, FEATURES, CLIPS = 40, 12, 20, 16, 3


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Compute on one thread, as the stages do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def class_sets(words_of_own: bool = True) -> tuple[ClassSet, ClassSet]:
    """Seen and unseen classes of one to three words from one vocabulary; embeddings are means of the words."""
    random = torch.Generator().manual_seed(1)
    vocabulary = torch.randn(4, WORDS, generator=random)[torch.randint(4, (60,), generator=random)]
    vocabulary = torch.nn.functional.normalize(vocabulary + 0.8 * torch.randn(60, WORDS, generator=random), dim=1)
    words = [vocabulary[torch.randperm(60, generator=random)[: 1 + number % 3]] for number in range(SEEN + UNSEEN)]
    embeddings = torch.stack([own.mean(dim=0) for own in words])
    names = [f"class {number}" for number in range(SEEN + UNSEEN)]
    return tuple(
        ClassSet(names[part], embeddings[part], words[part] if words_of_own else ())
        for part in (slice(SEEN), slice(SEEN, None))
    )  # type: ignore[return-value]


def features_of(classes: ClassSet, labels: Tensor, clips: int, seed: int) -> Tensor:
    """Draw videos (n, clips, d) of classes."""
    fixed = torch.Generator().manual_seed(2)
    inner = torch.randn(WORDS, 24, generator=fixed)
    outer = torch.randn(24, FEATURES, generator=fixed)
    random = torch.Generator().manual_seed(seed)
    look = torch.tanh(2 * classes.embeddings @ inner) @ outer / 5
    noise = torch.randn(len(labels), clips, FEATURES, generator=random)
    return look[labels][:, None] + 0.4 * noise + 1.0


def world(words_of_own: bool = True) -> tuple[SeenVideos, Tensor, Tensor, ClassSet]:
    """Seen videos of unequal class sizes; test videos (n, clips, d), their labels and classes."""
    seen, unseen = class_sets(words_of_own)
    labels = torch.arange(SEEN).repeat_interleave(2 + torch.arange(SEEN) % 5)
    tested = torch.arange(UNSEEN).repeat_interleave(8)
    videos = SeenVideos(features_of(seen, labels, CLIPS, 3), labels, seen, unseen)
    return videos, features_of(unseen, tested, CLIPS + 2, 4), tested, unseen


def fitted(name: str, seen: SeenVideos, seed: int = 0, **settings: object) -> FeatureMethod:
    """Fit a method of the package."""
    module = plugins.load("aurl.methods", name)
    method: FeatureMethod = module.Method(module.Settings(method=name, features="network", **settings))
    method.fit(seen if method.MAY_SEE == "names" else replace(seen, unseen=None), seed)
    return method


def top1(scores: Tensor, labels: Tensor) -> float:
    return (scores.argmax(dim=1) == labels).float().mean().item()

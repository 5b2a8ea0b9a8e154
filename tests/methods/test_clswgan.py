"""f-CLSWGAN: generated features, and the classifier that is trained on them at `score`."""

from dataclasses import replace

import pytest
import torch
from feature_world import FEATURES, UNSEEN, WORDS, fitted, world

from aurl.fitting.score import score_videos
from aurl.heads.generation import Generator
from aurl.heads.learning import restore
from aurl.methods.base import ClassSet, FeatureMethod
from aurl.methods.clswgan import condition

FEW = {"steps": 3, "hidden": 8, "noise": 4, "critic_steps": 1, "synthetic": 6, "classifier_steps": 10}


@pytest.fixture(scope="module")
def method() -> FeatureMethod:
    return fitted("clswgan", world()[0], seed=11, **FEW)


def test_a_condition_is_as_long_as_noise_of_its_size() -> None:
    rows = condition(world()[3].embeddings)
    torch.testing.assert_close(rows.norm(dim=1), torch.full((UNSEEN,), WORDS**0.5))


def test_every_class_is_generated_from_the_same_noise(method: FeatureMethod) -> None:
    embeddings, noise = world()[3].embeddings, torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    made = method.generated(embeddings, noise)
    assert made.shape == (6, UNSEEN, FEATURES)
    generator = Generator(4, WORDS, 8, FEATURES)
    restore(generator, method.weights)
    for place, number in ((0, 0), (5, 3)):
        expected = generator(noise[place : place + 1], condition(embeddings)[number : number + 1])[0]
        torch.testing.assert_close(made[place, number], expected)


def test_its_seed_is_a_weight_and_decides_the_generated_features(method: FeatureMethod) -> None:
    _, videos, _, classes = world()
    assert method.weights["seed"].item() == 11
    before = score_videos(method, videos, classes)
    torch.manual_seed(99)
    state = torch.get_rng_state()
    other = fitted("clswgan", world()[0], seed=11, **FEW)
    other.weights["seed"] = torch.tensor(12)
    assert not torch.equal(score_videos(other, videos, classes), before)
    assert torch.equal(torch.get_rng_state(), state)


def test_scores_are_log_probabilities_among_the_given_classes(method: FeatureMethod) -> None:
    _, videos, _, classes = world()
    for count in (UNSEEN, 4):
        some = ClassSet(classes.names[:count], classes.embeddings[:count], classes.words[:count])
        torch.testing.assert_close(score_videos(method, videos, some).exp().sum(dim=1), torch.ones(len(videos)))


def test_the_classifier_is_trained_once_for_the_same_classes(
    method: FeatureMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, videos, _, classes = world()
    trained = method._trained
    calls = []
    monkeypatch.setattr(method, "_trained", lambda rows: calls.append(len(rows)) or trained(rows))
    monkeypatch.setattr(method, "_last", None)
    for part in videos.split(40):
        score_videos(method, part, classes)
    assert calls == [UNSEEN]
    score_videos(method, videos, ClassSet(classes.names[:4], classes.embeddings[:4]))
    assert calls == [UNSEEN, 4]


def test_batches_hold_a_feature_of_each_class_also_of_more_than_a_batch(method: FeatureMethod) -> None:
    _, videos, _, classes = world()
    small = fitted("clswgan", world()[0], classifier_batch=2, **FEW)
    assert score_videos(small, videos, replace(classes, words=())).isfinite().all()

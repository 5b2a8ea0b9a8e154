"""ER: which objects a video has, and its score and loss from their parts."""

from dataclasses import replace

import pytest
import torch
from feature_world import SEEN, fitted, world
from torch.nn import functional

from aurl.fitting.score import score_videos
from aurl.heads.learning import restore
from aurl.heads.scaling import scaled
from aurl.heads.word_table import word_table
from aurl.methods.base import ClassSet, FeatureMethod

FEW = {"steps": 3, "size": 8}


@pytest.fixture(scope="module")
def method() -> FeatureMethod:
    return fitted("er", world()[0], **FEW)


def test_objects_are_the_seen_classes_with_the_highest_scores(method: FeatureMethod) -> None:
    seen, *_ = world()
    features = scaled(seen.means, method.weights)
    chosen, others = method.objects(features), method.objects(features, seen.labels)
    for row, label in enumerate(seen.labels.tolist()):
        order = (method.weights["rows"] @ features[row]).argsort(descending=True).tolist()
        assert chosen[row].tolist() == order[:5]
        assert others[row].tolist() == [each for each in order if each != label][:5]


def test_the_own_class_is_no_object_while_it_learns_unless_there_is_no_other() -> None:
    seen, *_ = world()
    names, embeddings, words = seen.classes.names, seen.classes.embeddings, seen.classes.words
    for count in (1, 2):
        rows = seen.labels < count
        few = ClassSet(names[:count], embeddings[:count], words[:count])
        method = fitted("er", replace(seen, videos=seen.videos[rows], labels=seen.labels[rows], classes=few), **FEW)
        objects = method.objects(scaled(seen.means[rows], method.weights), seen.labels[rows])
        assert objects[:, 0].tolist() == ([0, 0] if count == 1 else (1 - seen.labels[rows]).tolist())


def test_the_score_is_the_sum_of_both_streams(method: FeatureMethod) -> None:
    _, videos, _, classes = world()
    network = method._network()
    restore(network, method.weights)
    features = scaled(videos.mean(dim=1), method.weights)
    words, mask = method.weights["words"], method.weights["mask"]
    with torch.no_grad():
        texts = network.classes(*word_table(classes.embeddings, classes.words))
        for row in (0, 50):
            own = [words[each][mask[each]] for each in method.objects(features[row : row + 1])[0]]
            joined = torch.cat(own)[None]
            objects = network.classes(joined, torch.ones(1, joined.shape[1], dtype=torch.bool))
            video, gated = network.streams(features[row : row + 1], objects)
            expected = texts @ video[0] + (texts @ gated[0]).clamp_min(0)
            torch.testing.assert_close(score_videos(method, videos[row : row + 1], classes)[0], expected)


def test_the_loss_sums_three_scores_and_the_rehearsal(method: FeatureMethod) -> None:
    seen, *_ = world()
    network = method._network()
    restore(network, method.weights)
    features, labels = scaled(seen.means, method.weights)[:6], seen.labels[:6]
    objects = method.objects(features, labels)
    method.settings.__dict__["dropout"] = 0.0
    words, mask = method.weights["words"], method.weights["mask"]
    own = [torch.cat([words[each][mask[each]] for each in of_row]) for of_row in objects]
    texts = torch.cat([network.classes(row[None], torch.ones(1, len(row), dtype=torch.bool)) for row in own])
    video, gated = network.streams(features, texts)
    classes = network.classes(words, mask)
    expected = torch.zeros(())
    for scores in (video @ classes.T, gated @ classes.T, video @ classes.T + (gated @ classes.T).clamp_min(0)):
        chances = (scores / 0.1).log_softmax(dim=1)
        expected = expected + functional.nll_loss(chances, labels)
        expected = expected - torch.stack([chances[row, of_row].mean() for row, of_row in enumerate(objects)]).mean()
    torch.testing.assert_close(method._loss(network, features, objects, labels), expected)
    assert classes.shape == (SEEN, 8)

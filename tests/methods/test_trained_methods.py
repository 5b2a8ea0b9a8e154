"""What the methods that train a network share, each on a tiny world with fewer steps than its defaults."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from feature_world import CLIPS, UNSEEN, features_of, fitted, top1, world

from aurl.fitting.fit import weights_bytes
from aurl.fitting.score import score_videos
from aurl.methods.base import ClassSet, FeatureMethod, SeenVideos

FEW = {
    "gcn": {"steps": 150, "hidden": [64], "dropout": 0.0},
    "clswgan": {"steps": 100, "hidden": 48, "noise": 8, "critic_steps": 3, "classifier_steps": 60, "rate": 3e-3},
    "er": {"steps": 60, "size": 32},
    "action2vec": {"steps": 80, "hidden": 32},
    "tarn": {"steps": 80, "hidden": 24, "rate": 1e-2},
}  # fmt: skip
every_method = pytest.mark.parametrize("name", FEW)
BRIEF = {"clswgan": {"critic_steps": 1, "classifier_steps": 5}}


@cache
def on_the_world(name: str) -> FeatureMethod:
    return fitted(name, world()[0], **FEW[name])


def briefly(name: str, seen: SeenVideos, seed: int = 0) -> FeatureMethod:
    return fitted(name, seen, seed, **FEW[name] | {"steps": 4} | BRIEF.get(name, {}))


def part(seen: SeenVideos, rows: slice, classes: int) -> SeenVideos:
    names, embeddings, words = seen.classes.names, seen.classes.embeddings, seen.classes.words
    fewer = ClassSet(names[:classes], embeddings[:classes], words[:classes])
    return SeenVideos(seen.videos[rows], seen.labels[rows], fewer, seen.unseen)


@every_method
def test_it_learns_unseen_classes_from_words(name: str) -> None:
    _, videos, labels, classes = world()
    assert top1(score_videos(on_the_world(name), videos, classes), labels) > 2.5 / UNSEEN


@every_method
def test_equal_seeds_give_equal_bytes_and_others_do_not(name: str) -> None:
    seen, videos, _, classes = world()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        before = torch.get_rng_state()
        first = briefly(name, seen, 7)
        assert torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(6)
        second = briefly(name, seen, 7)
    assert weights_bytes(first.weights) == weights_bytes(second.weights)
    assert weights_bytes(first.weights) != weights_bytes(briefly(name, seen, 8).weights)
    assert torch.equal(score_videos(first, videos, classes), score_videos(second, videos, classes))


@every_method
def test_scores_depend_on_the_weights_alone(name: str) -> None:
    seen, videos, _, classes = world()
    method, other = briefly(name, seen), briefly(name, seen, 1)
    score_videos(other, videos, classes)
    other.weights = {key: value.clone() for key, value in method.weights.items()}
    assert torch.equal(score_videos(other, videos, classes), score_videos(method, videos, classes))


@every_method
def test_a_video_alone_has_its_scores(name: str) -> None:
    _, videos, _, classes = world()
    together = score_videos(on_the_world(name), videos, classes)
    alone = torch.cat([score_videos(on_the_world(name), videos[[row]], classes) for row in (0, 9)])
    torch.testing.assert_close(alone, together[[0, 9]], rtol=1e-4, atol=1e-5)


@every_method
def test_the_order_of_classes_does_not_matter(name: str) -> None:
    _, videos, _, classes = world()
    turned = ClassSet(classes.names[::-1], classes.embeddings.flip(0), list(classes.words)[::-1])
    scores = score_videos(on_the_world(name), videos, classes)
    torch.testing.assert_close(score_videos(on_the_world(name), videos, turned).flip(1), scores, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", [name for name in FEW if name != "clswgan"])
def test_other_classes_change_no_score(name: str) -> None:
    _, videos, _, classes = world()
    fewer = ClassSet(classes.names[:3], classes.embeddings[:3], classes.words[:3])
    scores = score_videos(on_the_world(name), videos, classes)
    torch.testing.assert_close(score_videos(on_the_world(name), videos, fewer), scores[:, :3], rtol=1e-4, atol=1e-5)


@every_method
@pytest.mark.parametrize("clips", [1, CLIPS, 25])
def test_any_number_of_clips_is_scored(name: str, clips: int) -> None:
    unseen = world()[3]
    videos = features_of(unseen, torch.arange(UNSEEN), clips, 5)
    assert score_videos(on_the_world(name), videos, unseen).shape == (UNSEEN, UNSEEN)


@every_method
@pytest.mark.parametrize("count", [1, 2])
def test_one_seen_class_is_enough(name: str, count: int) -> None:
    seen, videos, _, classes = world()
    one = part(seen, slice(count), 1)
    assert one.labels.tolist() == [0] * count
    assert score_videos(briefly(name, one), videos, classes).isfinite().all()


@every_method
def test_one_video_of_many_classes_is_enough(name: str) -> None:
    seen, videos, _, classes = world()
    assert score_videos(briefly(name, part(seen, slice(1), 40)), videos, classes).isfinite().all()


@every_method
def test_one_clip_and_one_class_are_scored(name: str) -> None:
    seen, videos, _, classes = world()
    method = briefly(name, replace(seen, videos=seen.videos[:, :1]))
    one = ClassSet(classes.names[:1], classes.embeddings[:1], classes.words[:1])
    assert score_videos(method, videos[:, :1], one).shape == (len(videos), 1)
    assert score_videos(method, videos[:0], classes).shape == (0, UNSEEN)


@every_method
def test_missing_words_are_the_embedding_as_one_word(name: str) -> None:
    seen, videos, _, classes = world()
    bare = world(words_of_own=False)
    single = ClassSet(seen.classes.names, seen.classes.embeddings, [row[None] for row in seen.classes.embeddings])
    without, within = briefly(name, bare[0]), briefly(name, replace(seen, classes=single))
    assert weights_bytes(without.weights) == weights_bytes(within.weights)
    scores = score_videos(without, videos, bare[3])
    emptied = [torch.empty(0, row.shape[0]) for row in classes.embeddings]
    assert torch.equal(score_videos(without, videos, replace(classes, words=emptied)), scores)


@every_method
def test_only_a_method_that_says_so_sees_names(name: str) -> None:
    """Other unseen classes change what GCN learns, and nothing else."""
    seen, *_ = world()
    assert seen.unseen is not None
    other = replace(seen.unseen, embeddings=seen.unseen.embeddings.flip(1))
    same = weights_bytes(briefly(name, seen).weights) == weights_bytes(
        briefly(name, replace(seen, unseen=other)).weights
    )
    assert same == (name != "gcn")


@every_method
def test_the_order_of_clips_matters_to_the_recurrent_methods_alone(name: str) -> None:
    _, videos, _, classes = world()
    scores, turned = (score_videos(on_the_world(name), each, classes) for each in (videos, videos.flip(1)))
    assert torch.allclose(scores, turned, atol=1e-4) == (name not in ("action2vec", "tarn"))

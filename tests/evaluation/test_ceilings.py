"""The ceilings of the rendered world, against restatements by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aurl.datasets import rendered
from aurl.datasets.world import WorldClass, video_factors, video_random, world_classes
from aurl.evaluation import ceilings
from aurl.evaluation.ceilings import STRENGTHS, Ceilings, compute_ceilings, linear_map, nearest_top1
from aurl.experiment.presets import load_preset
from aurl.experiment.settings import RenderSettings
from aurl.semantics.classes import ClassEmbeddings
from aurl.semantics.encoders.word2vec import encode
from aurl.semantics.seen import filter_seen

SEEN = RenderSettings(classes_of="kinetics700", classes=40, videos_per_class=1, codec="h264")
TESTED = RenderSettings(classes_of="ucf101", classes=24, videos_per_class=5, codec="xvid", domain_shift=True, seed=3)


def words_of(render: RenderSettings, dimension: int = 4) -> ClassEmbeddings:
    """Embeddings of a rendered dataset that tell something of its factors, in a curved way; classes sorted."""
    shown = sorted(world_classes(render), key=lambda one: one.name)
    mixing = np.random.default_rng(1).normal(size=(len(shown[0].factors), dimension))
    vectors = np.stack([np.tanh((one.factors - 0.5) @ mixing) for one in shown]).astype(np.float32)
    return ClassEmbeddings([one.name for one in shown], vectors, {one.name: ["x"] for one in shown}, {})


def ridge(inputs: np.ndarray, targets: np.ndarray, strength: float, asked: np.ndarray) -> np.ndarray:
    """Fit weights and a level that is not penalised, by the normal equations; apply them."""
    design = np.hstack([inputs, np.ones((len(inputs), 1))])
    penalty = strength * np.eye(design.shape[1])
    penalty[-1, -1] = 0
    weights = np.linalg.solve(design.T @ design + penalty, design.T @ targets)
    return np.hstack([asked, np.ones((len(asked), 1))]) @ weights


def ridge_by_leaving_out(inputs: np.ndarray, targets: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Fit without each row in turn, for every strength; take the one with the smallest error on the rows left out."""
    errors = []
    for strength in STRENGTHS:
        squares = []
        for row in range(len(inputs)):
            others = np.arange(len(inputs)) != row
            predicted = ridge(inputs[others], targets[others], strength, inputs[row : row + 1])
            squares.append((predicted - targets[row]) ** 2)
        errors.append(np.mean(squares))
    return ridge(inputs, targets, STRENGTHS[int(np.argmin(errors))], asked)


@pytest.mark.parametrize(("noise", "rows", "columns"), [(0.01, 30, 5), (1.0, 30, 5), (20.0, 25, 8), (0.5, 9, 20)])
def test_the_linear_map_is_ridge_regression_with_one_row_left_out(noise: float, rows: int, columns: int) -> None:
    """Several noises choose several strengths; the last has more columns than rows."""
    random = np.random.default_rng(0)
    inputs, asked = random.normal(2, 3, (rows, columns)), random.normal(2, 3, (6, columns))
    targets = inputs @ random.normal(size=(columns, 4)) + 5 + noise * random.normal(size=(rows, 4))
    np.testing.assert_allclose(
        linear_map(inputs, targets, asked), ridge_by_leaving_out(inputs, targets, asked), rtol=1e-7, atol=1e-7
    )


def test_the_strength_follows_the_noise() -> None:
    """Of targets that are noise alone the map predicts about their mean; a line it predicts exactly."""
    random = np.random.default_rng(0)
    inputs, asked = random.normal(size=(40, 30)), random.normal(size=(50, 30))
    noise, line = random.normal(size=(40, 2)), random.normal(size=(30, 2))
    assert linear_map(inputs, noise, asked).std() < noise.std() / 2
    np.testing.assert_allclose(linear_map(inputs, inputs @ line + 3, asked), asked @ line + 3, atol=0.01)


def by_hand(seen: RenderSettings, kept: list[str], tested: RenderSettings) -> Ceilings:
    """Restate the three numbers with loops."""
    seen_words, words = words_of(seen), words_of(tested)
    factors = {one.name: one.factors for one in world_classes(seen)}
    inputs = np.stack([seen_words.vectors[seen_words.classes.index(name)] for name in kept]).astype(float)
    predicted = ridge_by_leaving_out(inputs, np.stack([factors[name] for name in kept]), words.vectors.astype(float))
    shown = {one.name: one for one in world_classes(tested)}
    hits = {"oracle": 0, "linear": 0}
    for label, name in enumerate(words.classes):
        for number in range(tested.videos_per_class):
            own = video_factors(shown[name], video_random(tested, shown[name], number))
            true = [np.linalg.norm(own - shown[other].factors) for other in words.classes]
            mapped = [np.linalg.norm(own - row) for row in predicted]
            hits["oracle"] += int(np.argmin(true)) == label
            hits["linear"] += int(np.argmin(mapped)) == label
    videos = len(words.classes) * tested.videos_per_class
    return Ceilings(100 / len(words.classes), 100 * hits["linear"] / videos, 100 * hits["oracle"] / videos)


def test_the_ceilings_of_a_test_set_by_hand() -> None:
    kept = sorted(one.name for one in world_classes(SEEN))[::2]
    found = compute_ceilings(SEEN, words_of(SEEN), kept, TESTED, words_of(TESTED))
    expected = by_hand(SEEN, kept, TESTED)
    assert (found.chance, found.linear, found.oracle) == pytest.approx(
        (expected.chance, expected.linear, expected.oracle)
    )
    assert found.chance == pytest.approx(100 / 24)
    assert found.chance < found.linear < found.oracle <= 100, "the world is neither blind nor linear"


def test_the_oracle_knows_the_factors_that_were_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[np.ndarray] = []

    def spy(shown: WorldClass, random: np.random.Generator) -> np.ndarray:
        drawn.append(video_factors(shown, random))
        return drawn[-1]

    monkeypatch.setattr(rendered, "video_factors", spy)
    for shown, number in rendered.rendered_videos(TESTED.model_copy(update={"classes": 3})):
        rendered.render_video(tmp_path, (shown, number), TESTED)
        np.testing.assert_array_equal(drawn.pop(), video_factors(shown, video_random(TESTED, shown, number)))
        assert drawn == [], "one draw a video"


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, np.ndarray]]:
    """What every fit was given, and what it predicted."""
    made: list[dict[str, np.ndarray]] = []

    def spy(inputs: np.ndarray, targets: np.ndarray, asked: np.ndarray) -> np.ndarray:
        predicted = linear_map(inputs, targets, asked)
        made.append({"inputs": inputs, "targets": targets, "predicted": predicted})
        return predicted

    monkeypatch.setattr(ceilings, "linear_map", spy)
    return made


def test_no_test_class_takes_part_in_the_fit(fits: list[dict[str, np.ndarray]]) -> None:
    """Other test classes beside a class change nothing for it; seen classes that the filter took neither."""
    kept = sorted(one.name for one in world_classes(SEEN))[3:30]
    more = TESTED.model_copy(update={"classes": 50})
    compute_ceilings(SEEN, words_of(SEEN), kept, TESTED, words_of(TESTED))
    compute_ceilings(SEEN, words_of(SEEN), kept, more, words_of(more))
    few, many = fits
    np.testing.assert_array_equal(few["inputs"], many["inputs"])
    np.testing.assert_array_equal(few["targets"], many["targets"])
    assert len(few["inputs"]) == len(kept)
    rows = [words_of(more).classes.index(name) for name in words_of(TESTED).classes]
    np.testing.assert_allclose(many["predicted"][rows], few["predicted"], atol=1e-12)
    seen_words = words_of(SEEN)
    left_out = [seen_words.classes.index(name) for name in set(seen_words.classes) - set(kept)]
    seen_words.vectors[left_out] = 99
    compute_ceilings(SEEN, seen_words, kept, TESTED, words_of(TESTED))
    np.testing.assert_array_equal(fits[2]["predicted"], few["predicted"])


def test_classes_without_an_embedding_are_left_out(fits: list[dict[str, np.ndarray]]) -> None:
    """Neither a seen nor a test class that the encoder dropped is used, and chance is of the others."""
    words, seen_words = words_of(TESTED), words_of(SEEN)
    fewer = replace(words, classes=words.classes[1:], vectors=words.vectors[1:])
    seen_fewer = replace(seen_words, classes=seen_words.classes[5:], vectors=seen_words.vectors[5:])
    found = compute_ceilings(SEEN, seen_fewer, seen_words.classes, TESTED, fewer)
    assert found.chance == pytest.approx(100 / 23)
    assert len(fits[0]["inputs"]) == 35


def test_the_nearest_class_by_hand() -> None:
    classes = np.array([[0.0, 0.0], [1.0, 0.0]])
    videos = np.array([[0.4, 0.0], [0.6, 0.0], [2.0, 0.0], [0.1, 9.0]])
    assert nearest_top1(videos, np.array([0, 0, 1, 1]), classes) == 50


def test_real_words_leave_a_gap_that_no_line_closes() -> None:
    """With mini's classes and words: chance far below the linear map, and that clearly below the oracle."""
    mini = load_preset("mini")
    sources = {name: mini.datasets[name].source.render for name in (mini.seen, *mini.unseen)}
    renders = {name: render for name, render in sources.items() if render is not None}
    words = {
        name: encode([one.name for one in world_classes(render)], mini.datasets[name].tokens, mini.semantics.encoder)
        for name, render in renders.items()
    }
    tests = np.concatenate([words[name].vectors for name in mini.unseen])
    passed = filter_seen(words[mini.seen].vectors, tests, mini.semantics.tau)
    kept = [name for name, stays in zip(words[mini.seen].classes, passed, strict=True) if stays]
    assert len(kept) == 518
    for name in mini.unseen:
        found = compute_ceilings(renders[mini.seen], words[mini.seen], kept, renders[name], words[name])
        assert 10 * found.chance < found.linear < found.oracle - 10
        assert found.oracle > 80

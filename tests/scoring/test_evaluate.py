"""Scores of any method under every protocol: published numbers, the order of a file, intervals, comparisons."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from outside import write_outside
from score_files import embeddings, one_hot, scores

import aurl
from aurl.evaluation import test_sets
from aurl.evaluation.named.base import load
from aurl.evaluation.resampling import percentiles, resample
from aurl.scoring.evaluate import evaluate
from aurl.scoring.result import Result
from aurl.system.errors import AurlError

NAMES = {"video": "videos", "class": "classes", "label": "labels"}


def evaluated(content: dict[str, Any], test_set: Any, **more: Any) -> Result:
    return evaluate(**{NAMES.get(name, name): value for name, value in content.items()}, test_set=test_set, **more)


def rows(result: Result) -> list[dict[str, Any]]:
    return result.as_json()["protocols"]


def top1(result: Result) -> dict[tuple[str, int], float]:
    return {(row.protocol, row.runs): row.top1 for row in result.rows}


@pytest.mark.parametrize(("name", "accuracy", "by_class"), [("ucf101", 44.39, 43.61), ("hmdb51", 27.37, None)])
def test_the_authors_predictions_give_the_papers_numbers(name: str, accuracy: float, by_class: float | None) -> None:
    first, other = evaluated(one_hot(name), name), evaluated(one_hot(name, order=3), name)
    (row,) = [row for row in first.rows if row.protocol == "all_classes"]
    assert row.top1 == pytest.approx(accuracy, abs=0.005)
    if by_class is not None:
        assert row.class_top1 == pytest.approx(by_class, abs=0.005)
    assert rows(first) == rows(other), "the order of the file counts"
    assert not first.identified
    assert any("Videos not identified" in note for note in first.notes)
    assert any("equal scores" in note for note in first.notes)
    assert any("official_lists" in note and "'video'" in note for note in first.notes)


def test_every_protocol_of_a_test_set_has_its_rows() -> None:
    result = evaluated(scores("hmdb51", 0.5), "hmdb51")
    assert list(top1(result)) == [("all_classes", 1), ("base_to_novel_base", 1), ("base_to_novel_novel", 1),
                                  ("half_classes", 3), ("half_classes", 10), ("half_classes", 50),
                                  ("half_classes_open_vclip", 10), ("official_lists", 3), ("truze", 1)]  # fmt: skip
    assert {row.protocol: row.classes for row in result.rows} == {
        "all_classes": 51, "base_to_novel_base": 26, "base_to_novel_novel": 25,
        "half_classes": 25, "half_classes_open_vclip": 25, "official_lists": 51, "truze": 22,
    }  # fmt: skip
    videos = {(row.protocol, row.runs): row.videos for row in result.rows}
    assert videos["half_classes_open_vclip", 10] == 2500
    assert videos["official_lists", 3] == 1530
    assert not [note for note in result.notes if "Not tested" in note]
    assert len({row.digest for row in result.rows}) == len(result.rows)


def test_rows_by_hand() -> None:
    """A plain loop over the runs of a protocol gives its row."""
    content, of = scores("hmdb51", 0.6), test_sets.test_set("hmdb51")
    result = evaluated(content, "hmdb51")
    kept = of.lists[:, 1] == test_sets.TEST
    best = content["scores"].argmax(axis=1)
    lists = [
        100 * np.mean(best[of.lists[:, number] == 2] == of.labels[of.lists[:, number] == 2]) for number in range(3)
    ]
    (row,) = [row for row in result.rows if row.protocol == "official_lists"]
    assert row.top1 == pytest.approx(np.mean(lists))
    assert row.top1_std == pytest.approx(np.std(lists))
    assert kept.sum() == 1530
    accuracies = []
    for seed in range(10):
        half = np.sort(np.random.RandomState(seed).permutation(51)[:25])
        inside = np.isin(of.labels, half)
        accuracies.append(100 * np.mean(half[content["scores"][inside][:, half].argmax(axis=1)] == of.labels[inside]))
    assert top1(result)["half_classes", 10] == pytest.approx(np.mean(accuracies))


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 10_000), st.sampled_from(["scores", "embeddings", "one_hot"]))
def test_the_order_of_videos_and_classes_never_counts(seed: int, kind: str) -> None:
    content = (
        {"scores": scores, "embeddings": embeddings}[kind]("hmdb51", 0.7) if kind != "one_hot" else one_hot("hmdb51")
    )
    random = np.random.default_rng(seed)
    of_videos, of_classes = (random.permutation(number) for number in (6766, 51))
    moved = {}
    for name, value in content.items():
        by_class = name in ("class", "class_embeddings")
        moved[name] = value[of_classes] if by_class else value[of_videos]
    if "scores" in moved:
        moved["scores"] = moved["scores"][:, of_classes]
    first, other = evaluated(content, "hmdb51"), evaluated(moved, "hmdb51")
    assert rows(first) == rows(other)
    assert first.geometry == pytest.approx(other.geometry, rel=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.permutations(range(30)), st.permutations(range(6)))
def test_the_order_never_counts_in_small_worlds(seed: int, of_videos: list[int], of_classes: list[int]) -> None:
    """With many ties, and with spellings of one's own."""
    random = np.random.default_rng(seed)
    names = ("blue ball", "blue ring", "Red Ball", "red_ring", "Tall Box", "tin can")
    labels = np.arange(30) % 6
    videos = tuple(f"v{number:02d}.avi" for number in range(30))
    of = test_sets.TestSet("olympic_sports16", "Small", tuple(sorted(names)), videos, labels,
                           np.zeros((30, 3), np.int8), names)  # fmt: skip
    values = random.integers(0, 3, (30, 6)).astype(np.float32)
    first = evaluate(values, videos, of.classes, test_set=of)
    spelt = [of.classes[number].upper().replace(" ", "_") for number in of_classes]
    paths = [f"folder/{videos[number][:-4]}.mp4" for number in of_videos]
    other = evaluate(values[of_videos][:, of_classes], paths, spelt, test_set=of)
    assert rows(first) == rows(other)


def test_numpy_and_torch_give_the_same() -> None:
    content = embeddings("hmdb51", 1.5)
    tensors = {name: torch.from_numpy(value) if value.dtype == np.float32 else value for name, value in content.items()}
    assert rows(evaluated(content, "hmdb51")) == rows(evaluated(tensors, "hmdb51"))


def test_embeddings_are_scored_by_cosine() -> None:
    content = embeddings("hmdb51", 1.5)
    units = {name: content[name] / np.linalg.norm(content[name], axis=1, keepdims=True)
             for name in ("video_embeddings", "class_embeddings")}  # fmt: skip
    cosines = units["video_embeddings"].astype(np.float64) @ units["class_embeddings"].astype(np.float64).T
    by_scores = evaluate(cosines, content["video"], content["class"], test_set="hmdb51")
    result = evaluated(content, "hmdb51")
    assert top1(result) == pytest.approx(top1(by_scores), abs=0.05)
    assert set(result.geometry) == {"closeness", "dispersion", "hub_skewness"}
    assert by_scores.geometry == {}


def test_intervals_are_those_of_the_statistics() -> None:
    content, of = scores("hmdb51", 0.6), test_sets.test_set("hmdb51")
    result = evaluated(content, "hmdb51")
    hit = content["scores"].argmax(axis=1) == of.labels
    draws = resample(hit[None].astype(np.int8), of.labels, 2000, 0)
    assert result.intervals["all_classes"]["top1"] == percentiles(100 * draws.over_videos, 0.95)
    assert result.intervals["all_classes"]["class_top1"] == percentiles(100 * draws.over_classes, 0.95)
    assert set(result.intervals) == {"all_classes", "base_to_novel_base", "base_to_novel_novel", "truze"}, (
        "runs that share videos have none"
    )
    low, high = result.intervals["truze"]["top5"]
    assert low <= [row.top5 for row in result.rows if row.protocol == "truze"][0] <= high


def test_the_table_has_all_numbers() -> None:
    table = evaluated(scores("hmdb51", 0.6), "hmdb51").table()
    assert isinstance(table, pd.DataFrame)
    assert {"protocol", "runs", "top1", "top1_std", "top5", "class_top1", "top1_low", "top1_high", "digest"} <= set(
        table
    )
    assert len(table) == 9
    assert table["top1_low"].notna().sum() == 4


def test_a_comparison_is_paired() -> None:
    good, bad = (evaluated(scores("hmdb51", noise, seed), "hmdb51") for noise, seed in ((0.5, 0), (0.7, 1)))
    compared = {(row.protocol, row.runs): row for row in good.compare(bad)}
    assert set(compared) == set(top1(good))
    for key, row in compared.items():
        assert row.difference == pytest.approx(top1(good)[key] - top1(bad)[key])
        assert (row.p is None) == (row.interval is None) == (row.runs > 1)
        assert row.better_runs <= row.runs
    alone = compared["all_classes", 1]
    assert alone.p is not None
    assert alone.p < 1e-6
    assert alone.interval is not None
    assert alone.interval[0] < alone.difference < alone.interval[1]
    same = good.compare(good)[0]
    assert (same.difference, same.p, same.interval, same.better_runs) == (0, 1, (0, 0), 0)


def test_a_comparison_needs_identified_videos() -> None:
    known, unknown = evaluated(scores("hmdb51", 0.5), "hmdb51"), evaluated(one_hot("hmdb51"), "hmdb51")
    for one, other in ((known, unknown), (unknown, known)):
        with pytest.raises(AurlError, match="a paired test needs to know each video"):
            one.compare(other)


def test_fewer_classes_and_videos_are_enough_for_a_protocol_that_needs_fewer() -> None:
    content, of = scores("hmdb51", 0.5), test_sets.test_set("hmdb51")
    (run,) = load("truze").runs(of)
    columns = [of.classes.index(name) for name in run.classes]
    inside = np.isin(of.labels, columns)
    fewer = evaluate(content["scores"][inside][:, columns], content["video"][inside], content["class"][columns],
                     test_set="hmdb51", protocols=["truze"])  # fmt: skip
    whole = evaluated(content, "hmdb51", protocols=["truze"])
    assert rows(fewer) == rows(whole)
    with pytest.raises(AurlError, match="29 of the 51 classes have no scores"):
        evaluate(content["scores"][:, columns], content["video"], content["class"][columns], test_set="hmdb51")


OUTSIDE = '''"""The videos of three classes, among themselves."""

from aurl.evaluation.named.base import Run

LABEL, TEST_SETS, SOURCE, USED_BY, DIFFERS, AVERAGES = "three", ("hmdb51",), "here", "this test", "all others", ()


def runs(test_set):
    """List the one run."""
    return [Run("three", test_set.classes[:3])]
'''


def test_a_protocol_from_outside_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_outside(tmp_path, monkeypatch, "my_rules", "three", OUTSIDE)
    content, of = scores("hmdb51", 0.6), test_sets.test_set("hmdb51")
    (row,) = evaluated(content, "hmdb51", protocols=["my_rules.three"]).rows
    inside = of.labels < 3
    assert (row.label, row.runs, row.classes, row.videos) == ("three", 1, 3, inside.sum())
    assert row.top1 == pytest.approx(100 * np.mean(content["scores"][inside, :3].argmax(axis=1) == of.labels[inside]))


def test_embeddings_of_fewer_classes_are_measured_on_their_videos() -> None:
    """Other videos in the file change neither the measures nor the notes."""
    content, of = embeddings("hmdb51", 1.5), test_sets.test_set("hmdb51")
    (run,) = load("truze").runs(of)
    columns = [of.classes.index(name) for name in run.classes]
    inside = np.isin(of.labels, columns)
    some = content | {"class_embeddings": content["class_embeddings"][columns], "class": content["class"][columns]}
    fewer = some | {"video_embeddings": content["video_embeddings"][inside], "video": content["video"][inside]}
    first, other = (evaluated(given, "hmdb51", protocols=["truze"]) for given in (some, fewer))
    assert rows(first) == rows(other)
    assert first.geometry == pytest.approx(other.geometry)
    assert not first.notes


def test_named_videos_of_an_unlisted_test_set_can_be_compared() -> None:
    of = test_sets.test_set("olympic_sports16")
    labels, random = np.repeat(of.classes, 30), np.random.default_rng(0)
    names, order = np.array([f"video {number}" for number in range(480)]), random.permutation(480)
    values = random.normal(size=(480, 16)) + np.repeat(np.eye(16), 30, axis=0)
    one = evaluate(values, names, of.classes, labels=labels, test_set=of)
    other = evaluate(values[order], names[order], of.classes, labels=labels[order], test_set=of)
    assert one.compare(other)[0].p == 1
    assert one.notes == other.notes == ["The videos of this test set are not listed here: they and their labels are as the"
                                        " file says."]  # fmt: skip
    with pytest.raises(AurlError, match="1 videos are there more than once"):
        evaluate(values, ["video 0", *names[:-1]], of.classes, labels=labels, test_set=of)
    with pytest.raises(AurlError, match="not the videos of scores"):
        one.compare(evaluate(values, [*names[:-1], "x"], of.classes, labels=labels, test_set=of))
    with pytest.raises(AurlError, match="1 of the 16 classes have no video: 'vault'"):
        evaluate(values[:450], names[:450], of.classes, labels=labels[:450], test_set=of)


@pytest.mark.parametrize("name", ["kinetics600", "activitynet200", "olympic_sports16"])
def test_test_sets_without_listed_videos_take_labels(name: str) -> None:
    of = test_sets.test_set(name)
    labels = np.repeat(of.classes, 3)
    values = np.random.default_rng(0).normal(size=(len(labels), len(of.classes)))
    result = evaluate(values, classes=of.classes, labels=labels, test_set=name)
    assert result.rows
    assert not result.identified
    with pytest.raises(AurlError, match="are not listed here; give 'label'"):
        evaluate(values, videos=[f"{number}.mp4" for number in range(len(labels))], classes=of.classes, test_set=name)


def test_scoring_loads_no_torch_and_is_public(tmp_path: Path) -> None:
    assert aurl.evaluate is evaluate
    script = (
        "import sys, numpy, aurl; of = aurl.test_set('hmdb51');"
        "aurl.evaluate(numpy.random.default_rng(0).normal(size=(6766, 51)), of.videos, of.classes, test_set=of);"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert not {"torch", "pandas", "statsmodels"} & set(done.stdout.split())

"""The public test sets: their facts against the datasets' known numbers, and against other files that are shipped."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from repositories import REPOSITORY

from aurl.evaluation import test_sets
from aurl.system import shipped
from aurl.system.errors import AurlError

SIZES = {"ucf101": (101, 13320), "hmdb51": (51, 6766), "activitynet200": (200, 0), "olympic_sports16": (16, 0),
         "kinetics600": (217, 0)}  # fmt: skip
LISTS = {"ucf101": [(9537, 3783), (9586, 3734), (9624, 3696)], "hmdb51": [(3570, 1530)] * 3}


def predictions_of(name: str) -> list[dict[str, str]]:
    with (REPOSITORY / f"data/authors_predictions_{name}.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("name", test_sets.LABELS)
def test_sizes_and_order(name: str) -> None:
    of = test_sets.test_set(name)
    assert (len(of.classes), len(of.videos)) == SIZES[name]
    assert list(of.classes) == sorted(set(of.classes))
    assert sorted(of.official_order) == list(of.classes)
    assert of.labels.shape == (len(of.videos),)
    assert of.lists.shape == (len(of.videos), 3)
    assert len(set(of.videos)) == len(of.videos)
    assert set(of.words) == (set() if name == "kinetics600" else set(of.classes))


@pytest.mark.parametrize("name", LISTS)
def test_official_lists(name: str) -> None:
    """Known sizes; no video for training and test at once; and UCF101's groups do not cross a list."""
    of = test_sets.test_set(name)
    for number, sizes in enumerate(LISTS[name], start=1):
        train, test, neither = (set(of.official_list(number, part)) for part in ("train", "test", "neither"))
        assert (len(train), len(test)) == sizes
        assert train | test | neither == set(of.videos)
        assert len(train) + len(test) + len(neither) == len(of.videos)
        if name == "ucf101":
            assert not {video.rsplit("_", 1)[0] for video in train} & {video.rsplit("_", 1)[0] for video in test}


@pytest.mark.parametrize("name", LISTS)
def test_classes_have_as_many_videos_as_the_authors_predicted(name: str) -> None:
    of = test_sets.test_set(name)
    assert Counter(of.classes[label] for label in of.labels) == Counter(row["label"] for row in predictions_of(name))


def test_videos_carry_their_class_in_their_name() -> None:
    of = test_sets.test_set("ucf101")
    assert all(video.split("_")[1].lower() == of.classes[label].lower() for video, label in
               zip(of.videos, of.labels, strict=True))  # fmt: skip  # "HandStandPushups" in names of videos
    of = test_sets.test_set("hmdb51")
    assert all(f"_{of.classes[label].replace(' ', '_')}_" in video for video, label in
               zip(of.videos, of.labels, strict=True))  # fmt: skip


def test_ucf101_has_its_official_order_too() -> None:
    order = test_sets.test_set("ucf101").official_order
    assert order.index("Hammering") < order.index("HammerThrow")
    assert order.index("JumpingJack") < order.index("JumpRope")
    assert list(order) == sorted(order, key=str.lower)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AurlError, match=r"no test set 'ucf10' \(did you mean 'ucf101'\?\); known: ucf101, hmdb51"):
        test_sets.test_set("ucf10")
    with pytest.raises(AurlError, match="official list 4, part 'test': give 1, 2 or 3"):
        test_sets.test_set("hmdb51").official_list(4)
    with pytest.raises(AurlError, match="ActivityNet-200: its videos are not listed here"):
        test_sets.test_set("activitynet200").official_list(1)


def test_a_digest_is_of_all_facts() -> None:
    of = test_sets.test_set("hmdb51")
    changed = of.lists.copy()
    changed[5, 2] = (changed[5, 2] + 1) % 3
    other = test_sets.TestSet(of.name, of.label, of.classes, of.videos, of.labels, changed, of.official_order)
    assert len(of.digest) == 64
    assert np.array_equal(of.labels, other.labels)
    assert of.digest != other.digest


def test_shipped_files_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped.packaged(shipped.TOKEN_TABLE).is_file()
    installed = tmp_path / "aurl"
    (installed / "data").mkdir(parents=True)
    (installed / "data/class_tokens.csv").touch()
    monkeypatch.setattr(shipped, "_PACKAGE", installed)
    assert shipped.packaged(shipped.TOKEN_TABLE) == installed / "data/class_tokens.csv"
    assert shipped.packaged(shipped.PUBLISHED) == tmp_path / "data/published_results.csv"

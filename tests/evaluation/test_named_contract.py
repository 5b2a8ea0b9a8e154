"""Every named protocol keeps the contract; the facts that its page states; what differs between two versions."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repositories import REPOSITORY

from aurl.evaluation.named import base
from aurl.evaluation.named.base import Run, digest, load, protocol_names
from aurl.evaluation.test_sets import LABELS, NEITHER, test_set
from aurl.system.errors import AurlError

test_set.__test__ = False  # type: ignore[attr-defined]
PAIRS = [(name, of) for name in protocol_names() for of in load(name).TEST_SETS]


@pytest.mark.parametrize("name", protocol_names())
def test_the_facts_of_a_protocol(name: str) -> None:
    module = load(name)
    assert (module.__doc__ or "").strip()
    assert 0 < len(module.LABEL) <= 26, "the first column of the table"
    assert all(text.strip() for text in (module.SOURCE, module.USED_BY, module.DIFFERS))
    assert module.TEST_SETS
    assert set(module.TEST_SETS) <= set(LABELS)


@pytest.mark.parametrize(("name", "of"), PAIRS)
def test_the_runs_of_a_protocol(name: str, of: str) -> None:
    module, chosen = load(name), test_set(of)
    runs = module.runs(chosen)
    assert runs
    assert len({run.name for run in runs}) == len(runs)
    assert len({len(run.classes) for run in runs}) == 1, "runs of different sizes have no mean"
    assert all(number <= len(runs) for number in module.AVERAGES)
    for run in runs:
        assert len(set(run.classes)) == len(run.classes) > 1
        assert set(run.classes) <= set(chosen.classes)
        inside = np.isin(chosen.labels, [chosen.classes.index(name) for name in run.classes])
        if run.videos is not None:
            assert run.videos.dtype == bool
            assert run.videos.shape == chosen.labels.shape
            inside &= run.videos
        counts = np.bincount(chosen.labels[inside], minlength=len(chosen.classes))
        if chosen.videos:
            assert all(counts[chosen.classes.index(name)] for name in run.classes), "a class without videos"
    assert digest(runs, chosen) == digest(module.runs(chosen), chosen)


def test_half_classes_are_the_shipped_splits() -> None:
    with (REPOSITORY / "data/test_splits.csv").open(newline="") as handle:
        listed = list(csv.DictReader(handle))
    for of in ("ucf101", "hmdb51"):
        runs = load("half_classes").runs(test_set(of))
        assert [";".join(run.classes) for run in runs] == [row["classes"] for row in listed if row["dataset"] == of]


def test_halves_in_the_order_of_classind_differ_in_35_of_50() -> None:
    of = test_set("ucf101")
    ours = [set(run.classes) for run in load("half_classes").runs(of)]
    theirs = [set(run.classes) for run in load("half_classes").draws(of.official_order)]
    assert sum(one != other for one, other in zip(ours, theirs, strict=True)) == 35
    assert {len(one - other) for one, other in zip(ours, theirs, strict=True)} <= {0, 1, 2}
    assert theirs[:10] == [set(run.classes) for run in load("half_classes_classind").runs(of)]


@pytest.mark.parametrize(("of", "classes", "videos"), [("hmdb51", 25, {2500}), ("ucf101", 50, None)])
def test_halves_of_open_vclip(of: str, classes: int, videos: set[int] | None) -> None:
    """Other draws than ours; on HMDB51 100 videos of each class."""
    chosen = test_set(of)
    runs = load("half_classes_open_vclip").runs(chosen)
    assert [len(run.classes) for run in runs] == [classes] * 10
    ours = [set(run.classes) for run in load("half_classes").runs(chosen)[:10]]
    assert all(set(run.classes) != own for run, own in zip(runs, ours, strict=True))
    if videos:
        counted = [int((np.isin(chosen.labels, [chosen.classes.index(name) for name in run.classes])
                        & (chosen.lists[:, 0] != NEITHER)).sum()) for run in runs]  # fmt: skip
        assert set(counted) == videos
        assert all((run.videos == (chosen.lists[:, 0] != NEITHER)).all() for run in runs)
    else:
        assert all(run.videos is None for run in runs)


def test_the_two_versions_of_truze() -> None:
    of = test_set("ucf101")
    paper, repository = (set(load(name).runs(of)[0].classes) for name in ("truze", "truze_repository"))
    assert (len(paper), len(repository)) == (34, 31)
    assert paper - repository == {"BaseballPitch", "CuttingInKitchen", "Punch"}
    assert len(load("truze").runs(test_set("hmdb51"))[0].classes) == 22


@pytest.mark.parametrize(("of", "sizes"), [("ucf101", {"base": (51, 2088), "novel": (50, 1695)}),
                                           ("hmdb51", {"base": (26, 780), "novel": (25, 750)})])  # fmt: skip
def test_base_and_novel_classes_share_the_first_official_list(of: str, sizes: dict[str, tuple[int, int]]) -> None:
    """Sizes of ViFi-CLIP's lists of videos."""
    chosen, classes = test_set(of), []
    for part, (number, videos) in sizes.items():
        (run,) = load(f"base_to_novel_{part}").runs(chosen)
        inside = np.isin(chosen.labels, [chosen.classes.index(name) for name in run.classes]) & run.videos
        assert (len(run.classes), int(inside.sum())) == (number, videos)
        classes += run.classes
    assert sorted(classes) == list(chosen.classes)


def test_the_published_halves_repeat_three() -> None:
    runs = [frozenset(run.classes) for run in load("random_halves30").runs(test_set("ucf101"))]
    assert (len(runs), len(set(runs))) == (30, 27)
    assert runs[6:9] == runs[:3]


def test_the_draws_of_kinetics600() -> None:
    runs = load("kinetics600_160").runs(test_set("kinetics600"))
    assert [len(run.classes) for run in runs] == [160] * 3
    assert len(set().union(*(run.classes for run in runs))) == 217


def test_unknown_protocols_are_refused() -> None:
    for name in ("truse", "base"):
        with pytest.raises(
            AurlError, match=f"no protocol '{name}'; (did you mean '.*'[?] )?known: all_classes, base_to_novel_base"
        ):
            load(name)
    with pytest.raises(AurlError, match="'my_rules.missing': no such module"):
        load("my_rules.missing")


def test_protocols_are_described() -> None:
    assert [named.name for named in base.protocols()] == protocol_names()
    assert [named.name for named in base.protocols("kinetics600")] == ["kinetics600_160"]
    (first, *_) = base.protocols("ucf101")
    assert (first.name, first.label, first.test_sets[0]) == ("all_classes", "all classes", "ucf101")


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_a_digest_ignores_order_and_sees_content(data: st.DataObject) -> None:
    of = test_set("hmdb51")
    classes = data.draw(st.lists(st.sampled_from(of.classes), min_size=2, max_size=20, unique=True))
    marks = np.zeros(len(of.videos), bool)
    marks[data.draw(st.lists(st.integers(0, len(of.videos) - 1), min_size=1, max_size=20))] = True
    first = digest([Run("a", tuple(classes), marks)], of)
    assert first == digest([Run("a", tuple(data.draw(st.permutations(classes))), marks.copy())], of)
    other = marks.copy()
    other[data.draw(st.integers(0, len(marks) - 1))] ^= True
    assert first != digest([Run("a", tuple(classes), other)], of)
    assert first != digest([Run("a", tuple(classes[1:]), marks)], of)
    assert first != digest([Run("a", tuple(classes))], of)


def test_protocols_load_without_heavy_libraries(tmp_path: Path) -> None:
    script = (
        "import sys; from aurl.evaluation.named.base import load, protocol_names;"
        "from aurl.evaluation.test_sets import test_set;"
        "[load(n).runs(test_set(s)) for n in protocol_names() for s in load(n).TEST_SETS]; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert not {"torch", "pandas", "scipy", "matplotlib"} & set(done.stdout.split())

"""The order of the variants against the paper's: counted by hand, and by every permutation."""

import json
from itertools import permutations
from pathlib import Path

import pytest
from repositories import REPOSITORY
from table_sources import HEADER, no_statistics

from aurl.evaluation.comparison import T_TEST
from aurl.evaluation.published import read_published
from aurl.experiment.presets import load_preset
from aurl.experiment.settings import ReportSettings
from aurl.report.intervals import OrderTest, Statistics
from aurl.report.order import order_sentence, ordered_pairs
from aurl.report.results import Results

NAMES = ("mse", "ls", "ls_e2e", "aurl", "aurl_no_cg")


@pytest.fixture(autouse=True)
def in_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


@pytest.fixture
def report() -> ReportSettings:
    return load_preset("micro").report


def results_of(folder: Path, top1: dict[str, float], datasets: tuple[str, ...] = ("micro_ucf",)) -> Results:
    rows = [
        f"{name},0,{dataset},1,1,{value},,50,0,0,0,14,7,,,,,,,,,half_splits"
        for name, value in top1.items()
        for dataset in datasets
    ]
    (folder / "metrics.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return Results(folder / "metrics.csv")


def statistics_with(folder: Path, tests: list[OrderTest]) -> Statistics:
    statistics = no_statistics(folder)
    content = json.loads((folder / "no_statistics.json").read_text())
    (folder / "statistics.json").write_text(json.dumps({**content, "order": [vars(test) for test in tests]}))
    assert statistics.order == []
    return Statistics(folder / "statistics.json")


def test_every_permutation_agrees_in_as_many_pairs_as_it_keeps(tmp_path: Path, report: ReportSettings) -> None:
    published = {row.variant: row.value("UCF101", "top1") for row in read_published("ablation")}
    ranked = sorted(NAMES, key=lambda name: published[name] or 0)
    for order in list(permutations(range(5)))[::7]:
        pairs = list(ordered_pairs(results_of(tmp_path, dict(zip(ranked, order, strict=True))), NAMES, report))
        kept = sum(one < other for number, one in enumerate(order) for other in order[number + 1 :])
        assert (len(pairs), sum(pair.agrees for pair in pairs)) == (10, kept)


def test_the_sentence_counts_pairs_and_significant_differences(tmp_path: Path, report: ReportSettings) -> None:
    top1 = {"mse": 10.0, "ls": 30.0, "aurl": 20.0, "own": 99.0}
    pairs = list(ordered_pairs(results_of(tmp_path, top1, ("micro_ucf", "micro_hmdb")), [*NAMES, "own"], report))
    assert len(pairs) == 6, "three published variants, two test sets; `own` has no published value"
    assert order_sentence(pairs, no_statistics(tmp_path)) == (
        "The order of the variants agrees with the paper's in 4 of 6 pairs; which differences are significant was not"
        " tested."
    )
    p = {("ls", "mse", "micro_ucf"): 0.01, ("aurl", "ls", "micro_hmdb"): 0.049, ("aurl", "ls", "micro_ucf"): 0.051}
    keys = [(pair.variant, pair.against, pair.dataset) for pair in pairs]
    tests = [OrderTest(*key, 1.0, p.get(key, 0.4), T_TEST) for key in keys]
    assert order_sentence(pairs, statistics_with(tmp_path, tests)) == (
        "The order of the variants agrees with the paper's in 4 of 6 pairs; 2 of these differences are significant here,"
        " 1 of them in the paper's order (paired t-test over seeds, Holm's correction for 6 comparisons)."
    )
    none = [OrderTest(*key, 1.0, 0.4, T_TEST) for key in keys]
    assert "; 0 of these differences are significant here (paired" in str(
        order_sentence(pairs, statistics_with(tmp_path, none))
    )


def test_equal_means_have_no_order_and_other_test_sets_no_pairs(tmp_path: Path, report: ReportSettings) -> None:
    pairs = list(ordered_pairs(results_of(tmp_path, {"ls": 30.0, "aurl": 30.0}), NAMES, report))
    assert [pair.agrees for pair in pairs] == [False]
    own = {"own": report.test_sets["ucf101"].model_copy(update={"published": None})}
    without = report.model_copy(update={"test_sets": own, "closeness_of": "own"})
    assert list(ordered_pairs(results_of(tmp_path, {"ls": 30.0, "aurl": 20.0}), NAMES, without)) == []
    assert order_sentence([], no_statistics(tmp_path)) is None

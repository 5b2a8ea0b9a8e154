"""Intervals and paired tests: against brute force, known distributions and simulated worlds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy import stats

from aurl.evaluation.comparison import (
    MCNEMAR,
    ONE_SAMPLE,
    SIGN,
    T_TEST,
    PairedTest,
    Rows,
    comparisons,
    conclusion,
    paired_test,
)
from aurl.evaluation.evaluate import evaluate
from aurl.evaluation.external_file import ExternalRanks, write_ranks
from aurl.evaluation.feature_file import read_features
from aurl.evaluation.protocols import half_splits
from aurl.evaluation.published import published_methods
from aurl.evaluation.resampling import percentiles, resample
from aurl.evaluation.uncertainty import write_statistics
from aurl.experiment.settings import StatisticsSettings
from aurl.report.intervals import Statistics
from aurl.system.errors import AurlError

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS = StatisticsSettings(resamples=400, seed=3, confidence=0.9)
VARIANTS = ("mse", "ls", "aurl", "own")
ABLATION = ("mse", "ls", "ls_e2e", "aurl", "aurl_no_cg")  # the rows of the paper's table, from the top
ROWS = Rows(ABLATION, "aurl", "ls")


def picked_one_by_one(
    values: np.ndarray, labels: np.ndarray, resamples: int, seed: int, fixed: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The same resampling with every class and video picked by its number."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    over_videos, over_classes = [], []
    for _ in range(resamples):
        seeds = rng.integers(0, len(values), len(values))
        drawn = range(len(members)) if fixed else rng.integers(0, len(members), len(members))
        groups = [rng.choice(members[number], len(members[number])) for number in drawn]
        over_videos.append(np.mean(values[seeds][:, np.concatenate(groups)]))
        over_classes.append(np.mean([np.mean(values[seeds][:, group]) for group in groups]))
    return np.array(over_videos), np.array(over_classes)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("low", [0, -1])
def test_resampling_equals_picking_every_video(fixed: bool, low: int) -> None:
    rng = np.random.default_rng(1)
    labels = np.array([4] * 5 + [0] + [2] * 3 + [7] * 9)
    values = rng.integers(low, 2, (3, len(labels)))
    found = resample(values, labels, 20_000, 0, fixed)
    picked = picked_one_by_one(values, labels, 4_000, 0, fixed)
    for ours, theirs in zip((found.over_videos, found.over_classes), picked, strict=True):
        assert ours.mean() == pytest.approx(theirs.mean(), abs=0.012)
        assert ours.std() == pytest.approx(theirs.std(), rel=0.05)
        for confidence in (0.5, 0.9, 0.95):
            assert percentiles(ours, confidence) == pytest.approx(percentiles(theirs, confidence), abs=0.04)


def test_one_class_and_one_seed_is_the_binomial_distribution() -> None:
    values = (np.arange(200) < 60)[None]
    draws = resample(values, np.zeros(200, np.int64), 50_000, 0)
    assert (draws.over_videos == draws.over_classes).all()
    counts = np.rint(200 * draws.over_videos)
    assert (
        stats.kstest(counts + np.random.default_rng(0).uniform(-0.5, 0.5, len(counts)), _smooth_binomial).pvalue > 0.01
    )
    low, high = percentiles(draws.over_videos, 0.95)
    assert (200 * low, 200 * high) == pytest.approx(stats.binom.interval(0.95, 200, 0.3), abs=1)


def _smooth_binomial(x: np.ndarray) -> np.ndarray:
    """The distribution of a binomial number with uniform noise of width 1, which is continuous."""
    below = np.floor(x + 0.5) - 1
    return stats.binom.cdf(below, 200, 0.3) + (x - below - 0.5) * stats.binom.pmf(below + 1, 200, 0.3)


def test_fixed_classes_have_the_spread_of_stratified_sampling() -> None:
    labels = np.repeat([0, 1, 2], [10, 40, 100])
    values = np.concatenate([np.arange(n) < n * p for n, p in ((10, 0.9), (40, 0.5), (100, 0.1))])[None]
    draws = resample(values, labels, 40_000, 0, fixed_classes=True)
    variances = [10 * 0.9 * 0.1, 40 * 0.25, 100 * 0.1 * 0.9]
    assert draws.over_videos.std() == pytest.approx(np.sqrt(sum(variances)) / 150, rel=0.02)
    by_class = [variance / n**2 for variance, n in zip(variances, (10, 40, 100), strict=True)]
    assert draws.over_classes.std() == pytest.approx(np.sqrt(sum(by_class)) / 3, rel=0.02)


def test_classes_of_one_video_are_scipys_bootstrap() -> None:
    values = np.random.default_rng(2).integers(0, 2, 80)
    draws = resample(values[None], np.arange(80), 20_000, 0)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(0))
    assert percentiles(draws.over_videos, 0.95) == pytest.approx(tuple(theirs.confidence_interval), abs=0.013)


def test_videos_and_classes_are_drawn_once_for_all_seeds() -> None:
    """Three seeds that agree on every video know no more than one of them."""
    rng = np.random.default_rng(0)
    labels, values = np.repeat(np.arange(20), 10), rng.integers(0, 2, 200)
    one, three = (resample(np.tile(values, (seeds, 1)), labels, 20_000, 0).over_videos for seeds in (1, 3))
    assert three.std() == pytest.approx(one.std(), rel=0.03)


def test_seeds_are_the_outer_level() -> None:
    """One seed right, one wrong, everywhere: half of the resamples have both, a quarter each has one twice."""
    values = np.array([np.ones(50), np.zeros(50)], np.int64)
    shares = np.unique(resample(values, np.repeat([0, 1], 25), 20_000, 0).over_videos, return_counts=True)
    assert shares[0].tolist() == [0, 0.5, 1]
    assert shares[1] / 20_000 == pytest.approx([0.25, 0.5, 0.25], abs=0.015)


def test_order_of_videos_and_names_of_classes_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    labels, values = rng.integers(0, 9, 120), rng.integers(0, 2, (3, 120))
    draws = resample(values, labels, 300, 0).over_videos
    order = rng.permutation(120)
    assert (resample(values[:, order], labels[order], 300, 0).over_videos == draws).all()
    assert (resample(values, 5 * labels + 2, 300, 0).over_videos == draws).all()
    assert (resample(values, labels, 300, 0).over_videos == draws).all()
    assert (resample(values, labels, 300, 1).over_videos != draws).any()
    turned = resample(values[::-1], 8 - labels, 300, 0).over_videos
    assert percentiles(turned, 0.9) == pytest.approx(percentiles(draws, 0.9), abs=0.03)


@pytest.mark.parametrize(("seeds", "videos"), [(1, 1), (3, 1), (1, 40), (2, 40)])
def test_nothing_to_draw_gives_a_point(seeds: int, videos: int) -> None:
    for value in (0, 1):
        values = np.full((seeds, videos), value)
        for fixed in (False, True):
            draws = resample(values, np.zeros(videos, np.int64), 100, 0, fixed)
            assert percentiles(draws.over_videos, 0.95) == (value, value)


def test_intervals_cover_the_truth_of_simulated_worlds() -> None:
    """One network: 24 classes of 15 videos, each class as hard as a draw from Beta(2, 3), whose mean is 0.4."""
    rng = np.random.default_rng(0)
    labels, covered, fixed_covered = np.repeat(np.arange(24), 15), 0, 0
    for world in range(300):
        hard = rng.beta(2, 3, 24)
        values = (rng.uniform(size=360) < hard[labels])[None]
        low, high = percentiles(resample(values, labels, 300, world).over_videos, 0.9)
        covered += low <= 0.4 <= high
        low, high = percentiles(resample(values, labels, 300, world, fixed_classes=True).over_videos, 0.9)
        fixed_covered += low <= hard.mean() <= high
    assert 0.87 <= covered / 300 <= 0.97, "drawing videos within drawn classes errs on the wide side"
    assert 0.85 <= fixed_covered / 300 <= 0.95


def test_pairs_are_the_rows_of_the_published_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert list(published_methods()) == list(ABLATION)
    assert comparisons(ABLATION[::-1], ROWS) == [
        ("ls", "mse"), ("ls_e2e", "ls"), ("aurl", "ls_e2e"), ("aurl_no_cg", "aurl")
    ]  # fmt: skip
    assert comparisons(["mse", "own", "aurl"], ROWS) == [("aurl", "mse"), ("own", "aurl")], "the nearest row above"
    assert comparisons(["own", "mse"], ROWS) == []


def test_a_proposed_variant_that_nobody_published_is_compared_with_the_baseline() -> None:
    rows = Rows(ABLATION, "own", "ls")
    assert comparisons(["mse", "ls", "own", "other"], rows) == [("ls", "mse"), ("own", "ls"), ("other", "own")]
    assert comparisons(["own", "mse"], rows) == []
    assert comparisons(["own"], Rows((), "own", "own")) == []


def test_one_seed_is_tested_over_videos() -> None:
    both, ours, theirs, neither = 30, 14, 4, 12
    hits = np.repeat([True, True, False, False], [both, ours, theirs, neither])[None]
    against = np.repeat([True, False, True, False], [both, ours, theirs, neither])[None]
    tested = paired_test(hits, against, 0.95)
    assert (tested.test, tested.smallest) == (MCNEMAR, None)
    assert tested.difference == pytest.approx(100 * 10 / 60)
    assert tested.p == pytest.approx(stats.binomtest(4, 18, 0.5).pvalue)
    assert paired_test(against, hits, 0.95).p == pytest.approx(tested.p)
    assert paired_test(hits, hits, 0.95).p == 1


def with_hits(*right: int) -> np.ndarray:
    """Seeds with this many of 200 videos right."""
    return np.array([np.arange(200) < number for number in right])


def test_several_seeds_are_tested_over_seeds() -> None:
    ours, theirs = (80, 90, 84, 79), (70, 85, 70, 76)
    tested = paired_test(with_hits(*ours), with_hits(*theirs), 0.95)
    expected = stats.ttest_rel(ours, theirs)
    assert (tested.test, tested.difference) == (T_TEST, pytest.approx(4.0))
    assert tested.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert tested.smallest == pytest.approx((interval.high - interval.low) / 2 / 2), "points are half videos here"


def test_equal_differences_of_all_seeds_are_no_proof() -> None:
    tested = paired_test(with_hits(80, 90, 84), with_hits(79, 89, 83), 0.95)
    assert (tested.test, tested.p, tested.smallest) == (SIGN, 0.25, None)
    assert paired_test(with_hits(80, 90), with_hits(80, 90), 0.95).p == 1


@pytest.mark.parametrize(
    ("seeds", "p", "corrected", "interval", "sentence"),
    [
        (
            1, 0.0001, 0.0002, (1.0, 5.0),
            "1 seed: a significant difference between these two networks on these videos. Another training may give another"
            " result.",
        ),
        (
            1, 0.4, 1.0, (-1.0, 5.0),
            "1 seed: no significant difference between these two networks on these videos. Another training may give another"
            " result.",
        ),
        (
            1, 0.0004, 0.06, (1.0, 5.0),
            "1 seed: no significant difference (p < 0.001, but 0.06 after correction for 8 comparisons) between these two"
            " networks on these videos. Another training may give another result.",
        ),
        (
            3, 0.001, 0.008, (-0.5, 5.0),
            "3 seeds: a significant difference on this test set, larger than the spread of the seeds explains. With other"
            " test classes the result may differ: the interval, which also draws classes, includes 0.",
        ),
        (
            3, 0.001, 0.008, (0.1, 5.0),
            "3 seeds: a significant difference on this test set, larger than the spread of the seeds explains.",
        ),
        (
            3, 0.2, 0.6, (-1.0, 5.0),
            "3 seeds: no significant difference. With 3 seeds we could not detect differences below 4.3 points. This does"
            " not show that the two are equal.",
        ),
        (
            3, 0.02, 0.16, (1.0, 5.0),
            "3 seeds: no significant difference (p 0.02, but 0.16 after correction for 8 comparisons). This does not show"
            " that the two are equal.",
        ),
    ],
)  # fmt: skip
def test_sentences_say_what_the_numbers_allow(
    seeds: int, p: float, corrected: float, interval: tuple[float, float], sentence: str
) -> None:
    test = PairedTest(2.5, p, MCNEMAR if seeds == 1 else T_TEST, None if seeds == 1 else 4.31)
    assert conclusion(test, interval, corrected, 8, seeds, 0.95) == sentence


def test_a_sentence_without_spread_names_no_bound() -> None:
    sentence = conclusion(PairedTest(0.5, 0.25, SIGN, None), (-1.0, 2.0), 1.0, 8, 3, 0.95)
    assert sentence == "3 seeds: no significant difference. This does not show that the two are equal."


@pytest.fixture
def features(tmp_path: Path) -> dict[tuple[str, int, str], Path]:
    """Features files of four variants and three seeds on two test sets; one class has no video."""
    files = {}
    for dataset, sizes in (("big", [4, 9, 1, 6]), ("small", [2, 0, 3])):
        rng = np.random.default_rng(len(sizes))
        labels = torch.tensor(np.repeat(np.arange(len(sizes)), sizes))
        names = {
            "classes": [f"c{number}" for number in range(len(sizes))],
            "paths": [str(i) for i in range(sum(sizes))],
        }
        for seed in (5, 0, 2):
            for strength, variant in enumerate(VARIANTS):
                classes = torch.tensor(rng.normal(size=(len(sizes), 6)), dtype=torch.float32)
                noise = torch.tensor(rng.normal(size=(2, sum(sizes), 6)), dtype=torch.float32)
                videos = 0.4 * (1 + strength) * classes[labels] + noise
                path = tmp_path / variant / f"seed{seed}" / f"{dataset}.safetensors"
                path.parent.mkdir(parents=True, exist_ok=True)
                tensors = {"clips1": videos[0].contiguous(), "clips4": videos[1].contiguous()}
                save_file({**tensors, "labels": labels, "classes": classes}, path, {"aurl": json.dumps(names)})
                files[variant, seed, dataset] = path
    return files


def written(features: Mapping[tuple[str, int, str], Path], output: Path) -> dict[str, Any]:
    write_statistics(features, 4, SETTINGS, ROWS, output)
    return dict(json.loads(output.read_text()))


def test_the_file_keeps_its_contract(features: dict[tuple[str, int, str], Path], tmp_path: Path) -> None:
    found, metrics = written(features, tmp_path / "statistics.json"), {}
    for cell, path in features.items():
        evaluate(path, {"half_splits": half_splits.Settings(splits=[1])}, tmp_path / "metrics.json")
        metrics[cell] = json.loads((tmp_path / "metrics.json").read_text())
    assert (found["confidence"], found["resamples"], found["seed"], found["seeds"]) == (0.9, 400, 3, [0, 2, 5])
    assert set(found["variants"]) == set(VARIANTS)
    for variant in VARIANTS:
        big = found["variants"][variant]["big"]
        assert (big["videos"], big["classes"]) == (20, 4)
        assert found["variants"][variant]["small"]["classes"] == 2, "classes with videos"
        for dataset, clips in ((dataset, clips) for dataset in ("big", "small") for clips in ("clips1", "clips4")):
            cells = found["variants"][variant][dataset][clips]
            assert set(cells) == {"top1", "top5", "class_top1"}
            for metric, cell in cells.items():
                assert list(cell) == ["fixed_high", "fixed_low", "high", "low", "mean", "std"]
                values = [metrics[variant, seed, dataset][clips]["splits1"][metric] for seed in (0, 2, 5)]
                assert cell["mean"] == pytest.approx(np.mean(values), abs=1e-6)
                assert cell["std"] == pytest.approx(np.std(values, ddof=1), abs=1e-6)
                assert 0 <= cell["low"] <= cell["mean"] <= cell["high"] <= 100
    pairs = [(entry["dataset"], entry["variant"], entry["against"]) for entry in found["paired"]]
    expected = [("ls", "mse"), ("aurl", "ls"), ("own", "aurl")]
    assert pairs == [(dataset, *pair) for dataset in ("big", "small") for pair in expected]
    for entry in found["paired"]:
        names = {"variant", "against", "dataset", "clips", "difference", "low", "high", "p", "p_corrected", "test"}
        assert set(entry) == {*names, "seeds", "sentence"}
        means = [
            found["variants"][entry[key]][entry["dataset"]]["clips4"]["top1"]["mean"] for key in ("variant", "against")
        ]
        assert entry["difference"] == pytest.approx(means[0] - means[1], abs=2e-6)
        assert entry["low"] <= entry["difference"] <= entry["high"]
        assert (entry["clips"], entry["seeds"]) == (4, 3)
        assert entry["sentence"].startswith("3 seeds: ")
    ordered = sorted(found["paired"], key=lambda entry: entry["p"])
    corrected = np.maximum.accumulate([entry["p"] * (6 - rank) for rank, entry in enumerate(ordered)]).clip(max=1)
    assert [entry["p_corrected"] for entry in ordered] == pytest.approx(corrected.tolist(), rel=1e-4), "Holm"


def test_every_two_published_variants_are_tested(features: dict[tuple[str, int, str], Path], tmp_path: Path) -> None:
    content = written(features, tmp_path / "statistics.json")
    pairs = [(entry["dataset"], entry["variant"], entry["against"]) for entry in content["order"]]
    expected = [("ls", "mse"), ("aurl", "mse"), ("aurl", "ls")]
    assert pairs == [(dataset, *pair) for dataset in ("big", "small") for pair in expected], "`own` was not published"
    for entry in content["order"]:
        assert set(entry) == {"variant", "against", "dataset", "difference", "p_corrected", "test"}
    adjacent = {(entry["dataset"], entry["variant"], entry["against"]): entry for entry in content["paired"]}
    for entry in content["order"]:
        same = adjacent.get((entry["dataset"], entry["variant"], entry["against"]))
        if same is not None:
            assert (entry["difference"], entry["test"]) == (same["difference"], same["test"])
    read = Statistics(tmp_path / "statistics.json").order
    assert [(test.dataset, test.variant, test.against) for test in read] == pairs


def test_equal_inputs_give_equal_bytes(features: dict[tuple[str, int, str], Path], tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    alone = written({cell: path for cell, path in features.items() if cell[0] != "own"}, one)
    everything = written(features, one)
    written(features, two)
    assert one.read_bytes() == two.read_bytes()
    everything["variants"].pop("own")
    assert everything["variants"] == alone["variants"], "another variant changes no interval"


def test_one_seed_has_no_std_and_is_tested_over_videos(
    features: dict[tuple[str, int, str], Path], tmp_path: Path
) -> None:
    found = written({cell: path for cell, path in features.items() if cell[1] == 0}, tmp_path / "statistics.json")
    assert found["variants"]["aurl"]["big"]["clips1"]["top1"]["std"] is None
    assert {entry["test"] for entry in found["paired"]} == {MCNEMAR}
    assert all("Another training may give another result" in entry["sentence"] for entry in found["paired"])


def test_without_measurements_the_shape_stays(tmp_path: Path) -> None:
    path = tmp_path / "statistics.json"
    empty = {"confidence": 0.9, "resamples": 400, "seed": 3, "seeds": [], "variants": {}, "paired": [], "order": []}
    assert written({}, path) == empty
    read = Statistics(path)
    assert read.interval("aurl", "ucf101", 1) is None
    assert read.notes() == read.paired_notes({}, {"ucf101": "UCF101"}) == []


def test_other_videos_or_damaged_files_are_refused(features: dict[tuple[str, int, str], Path], tmp_path: Path) -> None:
    output, bad = tmp_path / "statistics.json", features["aurl", 2, "big"]
    whole = bad.read_bytes()
    bad.write_bytes(features["aurl", 2, "small"].read_bytes())
    with pytest.raises(AurlError, match=f"^{bad}: not the videos and classes of .*run 'snakemake' again$"):
        write_statistics(features, 1, SETTINGS, ROWS, output)
    bad.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AurlError, match="not a usable features file"):
        write_statistics(features, 1, SETTINGS, ROWS, output)
    assert not output.exists()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"confidence": 0.95, "resamples": 9, "variants": 3, "paired": [], "order": []}']
)
def test_damaged_statistics_are_refused_in_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "statistics.json"
    with pytest.raises(AurlError, match="make it again"):
        Statistics(path)
    path.write_text(content)
    with pytest.raises(AurlError, match=f"^{path}: unreadable .*make it again") as caught:
        Statistics(path)
    assert "\n" not in str(caught.value)


def test_a_row_from_outside_is_one_result_beside_several_seeds(
    features: dict[tuple[str, int, str], Path], tmp_path: Path
) -> None:
    read = read_features(features["aurl", 0, "big"])
    labels = read.labels.numpy()
    ranks = np.random.default_rng(0).integers(0, 7, len(labels))
    of_row = ExternalRanks(ranks, labels, read.class_names, read.paths)
    write_ranks(tmp_path / "row", {"big": of_row})
    without = written(features, tmp_path / "without.json")
    write_statistics(features, 4, SETTINGS, ROWS, tmp_path / "with.json", {"row": (tmp_path / "row", 25)})
    content = json.loads((tmp_path / "with.json").read_text())
    row = content["variants"].pop("row")
    assert content["variants"] == without["variants"]
    assert (content["order"], content["seeds"]) == (without["order"], without["seeds"])
    top1 = row["big"]["clips25"]["top1"]
    assert set(row) == {"big"}
    assert set(row["big"]) == {"videos", "classes", "clips25"}
    assert (top1["mean"], top1["std"]) == (pytest.approx(100 * (ranks < 1).mean(), abs=1e-6), None)
    (test,) = [entry for entry in content["paired"] if entry["variant"] == "row"]
    assert (test["against"], test["clips"], test["seeds"], test["test"]) == ("aurl", 25, 3, ONE_SAMPLE)
    ours = without["variants"]["aurl"]["big"]["clips4"]["top1"]
    assert test["difference"] == pytest.approx(top1["mean"] - ours["mean"], abs=2e-6)
    t = (top1["mean"] - ours["mean"]) / (ours["std"] / np.sqrt(3))
    assert test["p"] == pytest.approx(2 * stats.t.sf(abs(t), 2), rel=1e-3)
    write_ranks(tmp_path / "other", {"big": ExternalRanks(ranks, labels, read.class_names, read.paths[::-1])})
    with pytest.raises(AurlError, match="not the videos and classes of"):
        write_statistics(features, 4, SETTINGS, ROWS, tmp_path / "no.json", {"row": (tmp_path / "other", 25)})
    (tmp_path / "row").write_bytes(b"no")
    with pytest.raises(AurlError, match="not a usable file of ranks"):
        write_statistics(features, 4, SETTINGS, ROWS, tmp_path / "no.json", {"row": (tmp_path / "row", 25)})

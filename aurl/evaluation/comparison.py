"""Paired tests of the ablation: each row against the row above it, on the same videos with the same seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t, ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar

ABLATION = ("mse", "ls", "ls_e2e", "aurl", "aurl_no_cg")  # the rows of the paper's table, from the top
FULL = "aurl"  # what any other variant is held against: it is the method with something changed

MCNEMAR = "McNemar's exact test over videos"
T_TEST = "paired t-test over seeds"
SIGN = "sign test over seeds, whose differences are all equal"


@dataclass(frozen=True)
class PairedTest:
    """A difference in points, its two-sided p, the test, and (t-test only) the size below which p cannot be small."""

    difference: float
    p: float
    test: str
    smallest: float | None


def comparisons(variants: Sequence[str]) -> list[tuple[str, str]]:
    """(variant, against): the paper's rows with the nearest row above that was measured, any other with `aurl`."""
    rows = [name for name in ABLATION if name in variants]
    others = [(name, FULL) for name in variants if name not in ABLATION and FULL in variants]
    return [*zip(rows[1:], rows, strict=False), *others]


def paired_test(hits: np.ndarray, against: np.ndarray, confidence: float) -> PairedTest:
    """Test two variants' hits, bool (seeds, N), the same seeds and videos in both.

    With several seeds the unit is a training: the differences of the seeds' accuracies, which share test set (and
    the random numbers of their training, as far as both use them), against 0. With one seed the unit is a video.
    """
    seeds, videos = hits.shape
    differences = 100 * (hits.sum(axis=1) - against.sum(axis=1)) / videos
    mean = float(differences.mean())
    if seeds == 1:
        table = [[np.sum(hits & against), np.sum(hits & ~against)], [np.sum(~hits & against), np.sum(~hits & ~against)]]
        return PairedTest(mean, float(mcnemar(table, exact=True).pvalue), MCNEMAR, None)
    if (differences == differences[0]).all():  # no spread, so that t would be infinite or undefined
        return PairedTest(mean, 2.0 ** (1 - seeds) if mean else 1.0, SIGN, None)
    smallest = t.ppf((1 + confidence) / 2, seeds - 1) * differences.std(ddof=1) / math.sqrt(seeds)
    return PairedTest(mean, float(ttest_1samp(differences, 0).pvalue), T_TEST, float(smallest))


def conclusion(tested: PairedTest, interval: tuple[float, float], corrected: float, comparisons: int, seeds: int,
               confidence: float) -> str:  # fmt: skip
    """What can and cannot be concluded, in plain words.

    Args:
        interval: of the difference, where seeds, classes and videos are drawn anew.
        corrected: p after correction for the number of `comparisons`.
    """
    told, told_alone = corrected < 1 - confidence, tested.p < 1 - confidence
    spoiled = ""
    if told_alone and not told:
        spoiled = f" (p {_show(tested.p)} alone, {_show(corrected)} corrected for {comparisons} comparisons)"
    if seeds == 1:
        found = "differ by more than chance" if told else f"cannot be told apart{spoiled}"
        sentence = f"1 seed: on these videos the two networks {found}; this says nothing about another training."
    elif told:
        sentence = f"{seeds} seeds: larger than the spread between seeds explains, on this test set."
    else:
        smaller = "" if told_alone or not tested.smallest else f", nor could one below {tested.smallest:.1f} points"
        sentence = f"{seeds} seeds: cannot be told from chance{spoiled}{smaller}; this does not make the two equal."
    if told and interval[0] <= 0 <= interval[1]:
        sentence += " With other test classes it might not show: the interval, which draws classes too, includes 0."
    return sentence


def _show(p: float) -> str:
    """A p value for people: "0.012", "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"

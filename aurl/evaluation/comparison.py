"""Test the ablation's differences in pairs: each row against the row above it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import t, ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar

MCNEMAR = "McNemar's exact test over videos"
T_TEST = "paired t-test over seeds"
ONE_SAMPLE = "one-sample t-test over seeds, against one result from outside"
SIGN = "sign test over seeds, whose differences are all equal"


@dataclass(frozen=True)
class PairedTest:
    """Hold a difference in points, its two-sided p, and (t-test only) the smallest detectable difference."""

    difference: float
    p: float
    test: str
    smallest: float | None


@dataclass(frozen=True)
class Rows:
    """Name the published ablation's rows, from the top, and the report's two variants."""

    published: tuple[str, ...]
    proposed: str
    baseline: str


def comparisons(variants: Sequence[str], rows: Rows) -> list[tuple[str, str]]:
    """Pair each measured variant with the one that it is compared with.

    A published row is compared with the nearest measured row above it. Any other variant is compared with the
    proposed one, of which it is a change; a proposed variant that is no published row, with the baseline.
    """
    published = [name for name in rows.published if name in variants]
    pairs = list(zip(published[1:], published, strict=False))
    for name in variants:
        other = rows.baseline if name == rows.proposed else rows.proposed
        if name not in rows.published and other in variants and other != name:
            pairs.append((name, other))
    return pairs


def published_pairs(variants: Sequence[str], rows: Rows) -> list[tuple[str, str]]:
    """Pair every two measured variants of the published table, the upper row second."""
    published = [name for name in rows.published if name in variants]
    return [(lower, upper) for upper, lower in combinations(published, 2)]


def paired_test(hits: np.ndarray, against: np.ndarray, confidence: float, outside: bool = False) -> PairedTest:
    """Test the difference of two variants.

    With several seeds the unit is a training: the differences of the seeds' accuracies are tested against 0. Both
    trainings of a seed share the test set, and their random numbers as far as both use them. With one seed the unit
    is a video.

    Args:
        hits, against: bool (seeds, N), of the same seeds and videos.
        outside: `hits` are one result from outside, the same for every seed: the spread is that of `against` alone.
    """
    seeds, videos = hits.shape
    differences = 100 * (hits.sum(axis=1) - against.sum(axis=1)) / videos
    mean = float(differences.mean())
    if seeds == 1:
        table = [[np.sum(hits & against), np.sum(hits & ~against)], [np.sum(~hits & against), np.sum(~hits & ~against)]]
        return PairedTest(mean, float(mcnemar(table, exact=True).pvalue), MCNEMAR, None)
    if (differences == differences[0]).all():  # no spread, so that t would be infinite or undefined
        return PairedTest(mean, 2.0 ** (1 - seeds) if mean else 1.0, SIGN, None)
    name = ONE_SAMPLE if outside else T_TEST
    smallest = t.ppf((1 + confidence) / 2, seeds - 1) * differences.std(ddof=1) / math.sqrt(seeds)
    return PairedTest(mean, float(ttest_1samp(differences, 0).pvalue), name, float(smallest))


def conclusion(test: PairedTest, interval: tuple[float, float], corrected: float, comparisons: int, seeds: int,
               confidence: float) -> str:  # fmt: skip
    """Say what can be concluded from a paired test, and what cannot.

    Args:
        interval: of the difference, with seeds, classes and videos drawn anew.
        corrected: p after correction for the number of `comparisons`.
    """
    significant, significant_alone = corrected < 1 - confidence, test.p < 1 - confidence
    result = "a significant difference" if significant else "no significant difference"
    if significant_alone and not significant:
        result += f" (p {_show(test.p)}, but {_show(corrected)} after correction for {comparisons} comparisons)"
    if seeds == 1:
        text = f"1 seed: {result} between these two networks on these videos. Another training may give another result."
    elif significant:
        text = f"{seeds} seeds: {result} on this test set, larger than the spread of the seeds explains."
    else:
        detectable = None if significant_alone else test.smallest
        limit = (
            f" With {seeds} seeds we could not detect differences below {detectable:.1f} points." if detectable else ""
        )
        text = f"{seeds} seeds: {result}.{limit} This does not show that the two are equal."
    if significant and interval[0] <= 0 <= interval[1]:
        return (
            f"{text} With other test classes the result may differ: the interval, which also draws classes, includes 0."
        )
    return text


def _show(p: float) -> str:
    """Format a p value: "0.012", "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"

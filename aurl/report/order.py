"""Compare the order of the variants with the published one, pair by pair."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from aurl.evaluation.labels import counted
from aurl.evaluation.published import read_published
from aurl.experiment.settings import ReportSettings
from aurl.report.intervals import Statistics
from aurl.report.results import Results


@dataclass(frozen=True)
class Pair:
    """Two published variants on one test set.

    Attributes:
        measured: difference of the mean top-1 over all classes, in points.
        published: the same difference in the paper; not 0.
    """

    variant: str
    against: str
    dataset: str
    measured: float
    published: float

    @property
    def agrees(self) -> bool:
        """Say whether the order is the paper's; equal means have no order."""
        return self.measured * self.published > 0


def ordered_pairs(results: Results, variants: Sequence[str], report: ReportSettings) -> Iterator[Pair]:
    """Yield every two variants that were measured and published, on each test set.

    Raises: AurlError for a damaged file of published numbers.
    """
    rows = [row for row in read_published("ablation") if row.variant in variants]
    for test_set in report.test_sets.values():
        for upper, lower in combinations(rows, 2):
            published = _difference(*(row.value(test_set.published, "top1") for row in (lower, upper)))
            cells = [results.cell(row.variant, test_set.dataset, report.ablation_clips, 1, "top1")
                     for row in (lower, upper)]  # fmt: skip
            measured = _difference(*(None if cell is None else cell.mean for cell in cells))
            if published and measured is not None:
                yield Pair(lower.variant, upper.variant, test_set.dataset, measured, published)


def order_sentence(pairs: Sequence[Pair], statistics: Statistics) -> str | None:
    """Count the pairs in the paper's order, and the significant differences.

    A difference is significant if its p in `statistics.json`, corrected for the number of pairs, is below
    1 - confidence. Return None where no two published variants were measured.
    """
    if not pairs:
        return None
    agreeing = sum(pair.agrees for pair in pairs)
    text = f"The order of the variants agrees with the paper's in {agreeing} of {counted(len(pairs), 'pair')}"
    tests = {(test.variant, test.against, test.dataset): test for test in statistics.order}
    if not all((pair.variant, pair.against, pair.dataset) in tests for pair in pairs):
        return f"{text}; which differences are significant was not tested."
    shown = {pair: tests[pair.variant, pair.against, pair.dataset] for pair in pairs}
    significant = [pair for pair, test in shown.items() if test.p_corrected < 1 - statistics.confidence]
    are = "is" if len(significant) == 1 else "are"
    text += f"; {len(significant)} of these differences {are} significant here"
    if significant:
        text += f", {sum(pair.agrees for pair in significant)} of them in the paper's order"
    used = Counter(test.test for test in shown.values()).most_common(1)[0][0]
    return f"{text} ({used}, Holm's correction for {counted(len(statistics.order), 'comparison')})."


def _difference(one: float | None, other: float | None) -> float | None:
    """Subtract two values, if there are both."""
    return None if one is None or other is None else one - other

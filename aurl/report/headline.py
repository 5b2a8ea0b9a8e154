"""State the one finding of an experiment that a reader should take away, in plain words."""

from collections.abc import Mapping

from aurl.evaluation.labels import counted
from aurl.experiment.settings import ReportSettings, TestSetSettings
from aurl.report.finding import Sentence
from aurl.report.intervals import Comparison, OrderTest, Statistics
from aurl.report.results import Measured, Results


def headline(
    results: Results, statistics: Statistics, report: ReportSettings, labels: Mapping[str, str]
) -> Sentence | None:
    """Compare the proposed variant with a blind guess and with the baseline, on the first test set.

    Return None where the proposed variant was not measured.

    Args:
        labels: variant -> label.
    """
    for test_set in report.test_sets.values():
        own = results.cell(report.proposed, test_set.dataset, report.ablation_clips, 1, "top1")
        counts = results.counts(test_set.dataset)
        if own is not None and counts is not None:
            base = results.cell(report.baseline, test_set.dataset, report.ablation_clips, 1, "top1")
            cells = {labels[report.proposed]: (report.proposed, test_set.dataset)}
            text = _first(labels[report.proposed], own, test_set, counts[1])
            if base is None or report.baseline == report.proposed:
                return Sentence(text, cells)
            cells[labels[report.baseline]] = (report.baseline, test_set.dataset)
            p_value = _p_value(statistics, report, test_set.dataset)
            compared = _against(labels[report.baseline], own, base, p_value, statistics)
            return Sentence(f"{text} {compared}", cells)
    return None


def _first(method: str, own: Measured, test_set: TestSetSettings, classes: int) -> str:
    return (
        f"{method} names {own.mean:.1f} % of the {test_set.label} videos correctly. It never saw one of these"
        f" {classes} classes in training; a blind guess gets {100 / classes:.1f} %."
    )


def _against(method: str, own: Measured, base: Measured, p_value: float | None, statistics: Statistics) -> str:
    difference = round(own.mean - base.mean, 1)
    text = f"The baseline, {method}, gets {base.mean:.1f} %"
    if not difference:
        return f"{text}, as much."
    text += f": {abs(difference):.1f} points {'less' if difference > 0 else 'more'}."
    if p_value is None:
        return f"{text} Whether this difference is significant was not tested."
    seeds = counted(len(statistics.seeds), "seed")
    significant = "is" if p_value < 1 - statistics.confidence else "is not"
    return f"{text} This difference {significant} significant with {seeds} (corrected p {p_value:.2g})."


def _p_value(statistics: Statistics, report: ReportSettings, dataset: str) -> float | None:
    """Return the corrected p of proposed against baseline, in either direction; None where it was not tested."""
    pair = {report.proposed, report.baseline}
    tests: list[OrderTest | Comparison] = [*statistics.order, *statistics.comparisons]
    for test in tests:
        if test.dataset == dataset and {test.variant, test.against} == pair:
            return test.p_corrected
    return None

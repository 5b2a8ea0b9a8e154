"""State the main finding of an experiment in sentences, from its numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aurl.evaluation.published import read_published
from aurl.experiment.settings import ReportSettings, TestSetSettings
from aurl.report.intervals import Statistics
from aurl.report.order import order_sentence, ordered_pairs
from aurl.report.results import Measured, Results
from aurl.report.tables.base import Cell


@dataclass(frozen=True)
class Sentence:
    """A sentence, and the cells that its numbers are from: label -> (variant, dataset)."""

    text: str
    cells: dict[str, tuple[str, str]] = field(default_factory=dict)


def main_finding(
    results: Results,
    statistics: Statistics,
    variants: Sequence[str],
    report: ReportSettings,
    labels: Mapping[str, str],
) -> list[Sentence]:
    """State for each test set which variant is best and how the proposed one compares; then what the numbers allow.

    A last but one sentence compares the order of the published variants with the paper's.

    Args:
        labels: variant -> label.
    """
    sentences = []
    for test_set in report.test_sets.values():
        cells = {name: results.cell(name, test_set.dataset, report.ablation_clips, 1, "top1") for name in variants}
        measured = {name: cell for name, cell in cells.items() if cell is not None}
        counts = results.counts(test_set.dataset)
        if not measured or counts is None:
            sentences.append(Sentence(f"{test_set.label}: nothing was measured."))
        else:
            sentences.append(_ranking(measured, counts, test_set, report, labels))
    order = order_sentence(list(ordered_pairs(results, variants, report)), statistics)
    if order is not None:
        sentences.append(Sentence(order))
    if results.seeds > 1:
        text = f"± is the standard deviation over {results.seeds} seeds; the order of the means alone proves nothing."
        sentences.append(Sentence(text))
    elif results.seeds == 1:
        sentences.append(Sentence("One seed: these numbers do not show how much another seed would change them."))
    return sentences


def _ranking(measured: Mapping[str, Measured], counts: tuple[int, int], test_set: TestSetSettings,
             report: ReportSettings, labels: Mapping[str, str]) -> Sentence:  # fmt: skip
    ranked = sorted(measured, key=lambda name: -measured[name].mean)
    best, named = ranked[0], ranked[:1]
    text = (
        f"On {test_set.label} ({counts[0]:,} videos of {counts[1]} unseen classes, chance {100 / counts[1]:.1f} %)"
        f" {labels[best]} is best of {len(ranked)} variants, with {_percent(measured[best])} % top-1"
    )
    if report.proposed in measured and best != report.proposed:
        named.append(report.proposed)
        less = measured[best].mean - measured[report.proposed].mean
        text += f"; {labels[report.proposed]} has {_percent(measured[report.proposed])} %, {less:.1f} points less"
    elif len(ranked) > 1:
        named.append(ranked[1])
        text += f"; next is {labels[ranked[1]]} with {_percent(measured[ranked[1]])} %"
    published = _published(report.proposed, test_set) if report.paper_setting else None
    if published is not None and report.proposed in measured:
        text += f". Published for {labels[report.proposed]}: {published:.1f} %, ours differs by"
        text += f" {measured[report.proposed].mean - published:+.1f}"
    return Sentence(f"{text}.", {labels[name]: (name, test_set.dataset) for name in named})


def _published(variant: str, test_set: TestSetSettings) -> float | None:
    rows = {row.variant: row for row in read_published("ablation")}
    return rows[variant].value(test_set.published, "top1") if variant in rows else None


def _percent(measured: Measured) -> str:
    return Cell(measured, None, 1).text()

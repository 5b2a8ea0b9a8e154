"""The main finding of an experiment in sentences, from its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aurl.experiment.settings import ReportSettings
from aurl.report.results import Measured, Results, read_published

METHOD = "aurl"  # the variant that the paper proposes


@dataclass(frozen=True)
class Sentence:
    """A sentence, and the (variant, dataset) of the cells whose numbers it tells, by the method's name."""

    text: str
    cells: dict[str, tuple[str, str]] = field(default_factory=dict)


def method_names() -> dict[str, str]:
    """Variant -> its name in the paper's ablation."""
    published = read_published("ablation")
    return dict(zip(published["variant"], published["method"], strict=True))


def main_finding(
    results: Results, variants: list[str], report: ReportSettings, names: Mapping[str, str]
) -> list[Sentence]:
    """One sentence or two for each test set: the best variant, and where the paper's stands; how to take them."""
    published = read_published("ablation").set_index("variant")
    found = []
    for column, test_set in report.test_sets.items():
        counts = results.counts(test_set.dataset)
        cells = {name: results.cell(name, test_set.dataset, report.ablation_clips, 1, "top1") for name in variants}
        measured = {name: cell for name, cell in cells.items() if cell is not None}
        if not measured or counts is None:
            found.append(Sentence(f"{test_set.label}: nothing was measured."))
            continue
        ranked = sorted(measured, key=lambda name: -measured[name].mean)
        best, told = ranked[0], ranked[:1]
        text = (
            f"On {test_set.label} ({counts[0]:,} videos of {counts[1]} unseen classes, chance {100 / counts[1]:.1f} %)"
            f" {names.get(best, best)} is best of {len(ranked)} variants, with {_show(measured[best])} % top-1"
        )
        if METHOD in measured and best != METHOD:
            told.append(METHOD)
            behind = measured[best].mean - measured[METHOD].mean
            text += f"; {names[METHOD]} has {_show(measured[METHOD])} %, {behind:.1f} points less"
        elif len(ranked) > 1:
            told.append(ranked[1])
            text += f"; next is {names.get(ranked[1], ranked[1])} with {_show(measured[ranked[1]])} %"
        if report.paper_setting and METHOD in measured:
            paper = float(published.loc[METHOD, f"{column}_top1"])
            text += f". Published for {names[METHOD]}: {paper:.1f} %, ours differs by"
            text += f" {measured[METHOD].mean - paper:+.1f}"
        found.append(Sentence(f"{text}.", {names.get(name, name): (name, test_set.dataset) for name in told}))
    if results.seeds > 1:
        found.append(
            Sentence(f"± is the standard deviation over {results.seeds} seeds; an order of means proves nothing.")
        )
    elif results.seeds == 1:
        found.append(Sentence("One seed: nothing here tells how much another seed would change."))
    return found


def _show(measured: Measured) -> str:
    return f"{measured.mean:.1f}" + ("" if measured.std is None else f" ± {measured.std:.1f}")

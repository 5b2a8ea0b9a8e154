"""Top-1 against the number of clips of a video."""

from collections.abc import Sequence

from aurl.experiment.settings import ReportSettings
from aurl.report.figures.style import Drawing, look, nothing_yet, over_seeds, panels
from aurl.report.results import Results

NAME, TITLE = "clips", "Top-1 against the number of clips"


def draw_clips(results: Results, variants: list[str], report: ReportSettings, clips: Sequence[int]) -> Drawing:
    """A panel for each test set: top-1 over all classes, mean and standard deviation over seeds."""
    figure, found = panels([test_set.label for test_set in report.test_sets.values()], 3.8)
    told = []
    counts = sorted(clips)
    for axes, test_set in zip(found, report.test_sets.values(), strict=True):
        for number, variant in enumerate(variants):
            cells = {count: results.cell(variant, test_set.dataset, count, 1, "top1") for count in counts}
            measured = {count: cell for count, cell in cells.items() if cell}
            if not measured:
                continue
            aside = 0.05 * (number - (len(variants) - 1) / 2)  # so that whiskers do not cover each other
            axes.errorbar(
                [counts.index(count) + aside for count in measured], [cell.mean for cell in measured.values()],
                yerr=[cell.std or 0.0 for cell in measured.values()], capsize=2, label=variant, **look(number),
            )  # fmt: skip
            values = ", ".join(f"{cell.mean:.1f} with {count}" for count, cell in measured.items())
            told.append(f"{variant} on {test_set.label}: {values}.")
        axes.set_xticks(range(len(counts)), [str(count) for count in counts])
        axes.set_xlabel("clips a video (their embeddings are averaged)")
        axes.set_ylabel("top-1 [%], all classes")
    if not told:
        return nothing_yet(NAME, TITLE)
    figure.legend(*found[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(variants))
    caption = f"Top-1 over all classes with {' or '.join(map(str, counts))} clips a video; {over_seeds(results.seeds)}."
    return Drawing(NAME, TITLE, caption, f"Top-1 in percent by clips. {' '.join(told)}", figure)

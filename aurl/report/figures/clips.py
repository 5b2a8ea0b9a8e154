"""Draw top-1 against the number of clips of a video."""

from matplotlib.axes import Axes

from aurl.report.drawing.style import PANELS, Drawing, empty_drawing, legend_below, line_style, over_seeds, panels
from aurl.report.figures.base import FigureData

NAME, TITLE = "clips", "Top-1 against the number of clips"
ORDER = 90


def draw(data: FigureData) -> Drawing:
    """Draw a panel for each test set: top-1 over all classes, mean and standard deviation over seeds."""
    figure, grid = panels(data.test_sets.values(), 3.8)
    sentences = []
    for axes, (dataset, label) in zip(grid, data.test_sets.items(), strict=True):
        for variant, values in draw_panel(axes, data, dataset).items():
            listed = ", ".join(f"{mean:.1f} with {count}" for count, mean in values.items())
            sentences.append(f"{variant} on {label}: {listed}.")
    if not sentences:
        return empty_drawing(NAME, TITLE)
    legend_below(figure, grid)
    numbers = " or ".join(map(str, data.clips))
    caption = f"Top-1 over all classes with {numbers} clips a video; {over_seeds(data.results.seeds)}."
    return Drawing(NAME, TITLE, caption, f"Top-1 in percent by clips. {' '.join(sentences)}", figure)


def draw_panel(axes: Axes, data: FigureData, dataset: str) -> dict[str, dict[int, float]]:
    """Draw a line for each variant. Returns: label of a variant -> number of clips -> mean top-1 in percent."""
    values = {}
    for number, (variant, label) in enumerate(data.variants.items()):
        cells = {count: data.results.cell(variant, dataset, count, 1, "top1") for count in data.clips}
        measured = {count: cell for count, cell in cells.items() if cell}
        if measured:
            aside = 0.05 * (number - (len(data.variants) - 1) / 2)  # so that whiskers do not cover each other
            axes.errorbar(
                [data.clips.index(count) + aside for count in measured], [cell.mean for cell in measured.values()],
                yerr=[cell.std or 0.0 for cell in measured.values()], capsize=2, label=label, **line_style(number),
            )  # fmt: skip
            values[label] = {count: cell.mean for count, cell in measured.items()}
    axes.set_xticks(range(len(data.clips)), [str(count) for count in data.clips])
    space = " " if len(data.test_sets) < PANELS else "\n"
    axes.set_xlabel(f"clips a video{space}(their embeddings are averaged)")
    axes.set_ylabel("top-1 [%], all classes")
    return values

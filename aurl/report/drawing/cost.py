"""Draw time, memory and device of every stage, from the provenance blocks.

These values differ from run to run. So the report draws this figure: the `figures` stage, whose files repeat to the
byte, does not.
"""

from matplotlib.axes import Axes

from aurl.lineage.blocks import Block
from aurl.report.costs import StageCost, stage_costs
from aurl.report.drawing.style import Drawing, bar_style, empty_drawing, legend_below, new_figure, styled

NAME, TITLE = "cost", "Time and memory of every stage"


def cost_drawing(blocks: list[Block]) -> Drawing:
    """Draw wall and CPU time of all jobs of each stage, and the greatest memory of one."""
    with styled():
        costs = stage_costs(blocks)
        if not costs:
            return empty_drawing(NAME, TITLE)
        figure = new_figure(1.2 + 0.36 * len(costs))
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        draw_bars(left, costs, {"wall time": [c.seconds for c in costs], "CPU time": [c.cpu_seconds for c in costs]})
        left.set_xlabel("seconds, all jobs of the stage")
        legend_below(figure, [left])
        draw_bars(right, costs, {"peak memory": [c.peak_memory / 2**20 for c in costs]})
        right.set_xlabel("MiB, the greatest of one job")
        names = [f"{c.stage} ({c.jobs} on {' and '.join(c.devices)})" for c in costs]
        left.set_yticks(range(len(costs)), names)
        left.set_ylim(len(costs) - 0.4, -0.6)
    listed = "; ".join(
        f"{c.stage} {short(c.seconds)} s wall, {short(c.cpu_seconds)} s CPU, {c.peak_memory / 2**20:.0f} MiB"
        for c in costs
    )
    caption = (
        "Wall and CPU time summed over the jobs of each stage, and the greatest memory of one job, in the order in which"
        " the stages began; in brackets the number of jobs and their device. These are circumstances of this run, which"
        " differ from run to run."
    )
    return Drawing(NAME, TITLE, caption, f"Bars of {listed}.", figure)


def draw_bars(axes: Axes, costs: list[StageCost], series: dict[str, list[float]]) -> None:
    """Draw horizontal bars on a logarithmic scale, each with its value."""
    height = 0.8 / len(series)
    for number, (label, values) in enumerate(series.items()):
        middle = (number - (len(series) - 1) / 2) * height
        bars = axes.barh(
            [row + middle for row in range(len(costs))], values, height, label=label, **bar_style(number),
        )  # fmt: skip
        axes.bar_label(bars, fmt=short, fontsize=7, padding=2)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.margins(x=0.15)


def short(value: float) -> str:
    """Write three digits, or all before the point."""
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"

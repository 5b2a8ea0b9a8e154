"""Define one style for all figures, and encode equal figures as equal bytes.

The colours are those of Okabe and Ito, which colour-blind people can distinguish. Whatever differs in colour also
differs in hatch, marker or line, so that a figure is readable in grey.
"""

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from aurl.pipeline.outputs import FIGURE_FORMATS
from aurl.report.symbols import symbols_in_math

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#8C8C8C")
HATCHES = ("", "////", "....", "xxxx")
MARKERS = "osD^vPX*<>"
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))
WIDTH = 10.0  # inches
DPI = 150
PANELS = 3  # in a row
CHARACTER = 0.075  # inches, the width of an average character
NAME_LENGTH = 30  # characters of a class name that are shown
MOST_ARTISTS = 2000  # a page embeds the PNG of a figure that has more,
MOST_BYTES = 1_000_000  # or whose SVG is larger (frames of 112 pixels)
METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "ModDate": None},
}
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.markersize": 5.0,
    "hatch.linewidth": 0.6,
    "text.parse_math": False,  # a class may be called "$1"
    "svg.hashsalt": "aurl",
    "svg.fonttype": "path",
    "pdf.compression": 6,
}
DARK = {  # colour -> its place in the SVG where the reader prefers a dark page
    "#ffffff": "#1a2028", "#000000": "#e4e8ee", "#555555": "#a5b0be", "#666666": "#a5b0be", "#8c8c8c": "#a3a3a3",
    "#c4c4c4": "#6b7480", "#dddddd": "#39434f", "#0072b2": "#3d8fd9", "#56b4e9": "#9ad6ff",
    "#009e73": "#2fc398", "#d55e00": "#f0803c",
}  # fmt: skip
NOTHING = "nothing was measured yet"


@dataclass(frozen=True)
class Drawing:
    """A figure with its name, title, caption and alternative text, which states the main values."""

    name: str
    title: str
    caption: str
    alt: str
    figure: Figure


@contextmanager
def styled() -> Iterator[None]:
    """Apply this style, whatever the user's own matplotlib settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Create an empty figure; sizes in inches."""
    return Figure(figsize=(width, height), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06))


def panels(names: Iterable[str], height: float) -> tuple[Figure, list[Axes]]:
    """Create a figure with one titled panel for each name, in rows of nearly equal length.

    Args:
        height: of a row, inches.
    """
    titles = list(names)
    rows = math.ceil(len(titles) / PANELS)
    figure = new_figure(height * rows)
    grid = list(figure.subplots(rows, math.ceil(len(titles) / rows), squeeze=False).ravel())
    for axes, title in zip(grid, titles, strict=False):
        axes.set_title(title)
    for axes in grid[len(titles) :]:
        axes.axis("off")
    return figure, grid[: len(titles)]


def empty_drawing(name: str, title: str, reason: str = NOTHING) -> Drawing:
    """Draw the figure that says that nothing was measured yet, or for another reason."""
    figure = new_figure(2.0)
    figure.text(0.5, 0.5, reason, ha="center", va="center", fontsize=12, style="italic", color="#555555")
    sentence = f"{reason[0].upper()}{reason[1:]}."
    return Drawing(name, title, sentence, f"{title}: {reason}.", figure)


def point_style(number: int) -> dict[str, Any]:
    """Choose colour and marker by number; the first 40 differ."""
    return {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}


def line_style(number: int) -> dict[str, Any]:
    """Choose colour, marker and line for a variant by its position in the ablation table; the first 120 differ."""
    return {**point_style(number), "linestyle": LINES[number % len(LINES)]}


def stroke_style(number: int) -> dict[str, Any]:
    """Choose colour and line, for lines without markers; the first 24 differ."""
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": LINES[number % len(LINES)]}


def bar_style(number: int) -> dict[str, Any]:
    """Choose colour and hatch of bars by number; the first 32 differ."""
    turns = number // len(COLOURS)
    return {
        "color": COLOURS[number % len(COLOURS)], "hatch": HATCHES[(number + turns) % len(HATCHES)], "edgecolor": "white",
    }  # fmt: skip


def name_ticks(axes: Axes, names: Sequence[str]) -> None:
    """Write names below positions 0, 1, ...; slanted where the longest would run into its neighbour."""
    width = 1.3 * axes.bbox.width / DPI  # in inches; the final layout has smaller margins than the first
    crowded = max(map(len, names)) * CHARACTER > width / len(names)
    slanted: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    axes.set_xticks(range(len(names)), names, **slanted)


def legend_columns(labels: Sequence[str], width: float = WIDTH) -> int:
    """Count the columns of a legend that fit into a width in inches; a legend fills one column after the other."""
    lengths = [len(label) + 7 for label in labels]  # with the handle
    for columns in range(len(lengths), 1, -1):
        if sum(max(column) for column in np.array_split(lengths, columns)) * CHARACTER <= width:
            return columns
    return 1


def legend_below(figure: Figure, panels: Iterable[Axes], **options: Any) -> None:
    """Explain below the figure every label of its panels once, in the order of the first panel that has it."""
    handles: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    columns = legend_columns(list(handles))
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=columns, **options)


def shortened(name: str, length: int = NAME_LENGTH) -> str:
    """Shorten a class name to a number of characters."""
    return name if len(name) <= length else f"{name[: length - 1]}…"


def over_seeds(number: int) -> str:
    """Say in a caption how values are aggregated over seeds."""
    return "values of the one seed" if number == 1 else f"mean and standard deviation (whiskers) over {number} seeds"


def encode(figure: Figure, extensions: Iterable[str] = FIGURE_FORMATS) -> dict[str, bytes]:
    """Encode a figure in each file format. The files hold no date, so equal figures give equal bytes."""
    contents = {}
    with styled(), symbols_in_math(figure):
        figure.draw_without_rendering()  # lays out, once for all formats
        figure.set_layout_engine(None)  # "none" would keep a place holder, for which each file is drawn twice
        for extension in extensions:
            buffer = io.BytesIO()
            figure.savefig(buffer, format=extension, dpi=DPI, metadata=METADATA[extension])
            contents[extension] = buffer.getvalue()
    if "svg" in contents:
        contents["svg"] = follow_scheme(contents["svg"])
    return contents


def follow_scheme(svg: bytes) -> bytes:
    """Add a style to an SVG, so that its colours follow the reader's choice of a light or dark page."""
    rules = [f"svg{{fill:{DARK['#000000']}}}"]  # matplotlib writes no black fill: it is the default
    rules += [
        f'[style*="{name}: {light}"]{{{name}:{dark} !important}}'
        for light, dark in DARK.items()
        for name in ("fill", "stroke")
    ]
    style = f"<style>@media screen and (prefers-color-scheme: dark){{{''.join(rules)}}}</style>"
    head, tag, rest = svg.partition(b"<defs>")
    return head + style.encode() + tag + rest


def count_artists(figure: Figure) -> int:
    """Count a figure's points, bars, images and vertices of lines."""
    total = 0
    for axes in figure.axes:
        drawn: list[Any] = [line.get_xydata() for line in axes.lines]
        drawn += [
            group.get_offsets() if isinstance(group, PathCollection) else group.get_paths()
            for group in axes.collections
        ]
        total += sum(map(len, [*drawn, axes.patches, axes.images]))
    return total


def embedded_format(figure: Figure, svg: bytes) -> str:
    """Choose what a page embeds: `svg`, or `png` above `MOST_ARTISTS` artists or `MOST_BYTES` of SVG."""
    return "svg" if count_artists(figure) <= MOST_ARTISTS and len(svg) <= MOST_BYTES else "png"

"""One style for all figures, and saving that gives equal bytes for equal figures.

The colours are Okabe's and Ito's, which colour-blind people tell apart; what differs in colour differs in hatch,
marker or line as well, so that it is readable in grey.
"""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#8C8C8C")
HATCHES = ("", "////", "....", "xxxx")
MARKERS = "osD^vPX*<>"
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))
WIDTH = 10.0  # inches
DPI = 150
NAME_LENGTH = 30  # characters of a class name that are shown
MOST_MARKS = 2000  # a page embeds the PNG of a figure that has more,
MOST_BYTES = 1_000_000  # or whose SVG is larger (frames of 112 pixels)
EXTENSIONS = ("svg", "png", "pdf")
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
NOTHING = "nothing was measured yet"


@dataclass(frozen=True)
class Drawing:
    """A figure, and what is said of it: `alt` tells the main values to who cannot see it."""

    name: str
    title: str
    caption: str
    alt: str
    figure: Figure


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save in this style, whatever the user's own matplotlib is set to."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure, inches."""
    return Figure(figsize=(width, height), dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06))


def panels(names: Iterable[str], height: float) -> tuple[Figure, list[Axes]]:
    """A figure with one titled panel for each name, side by side."""
    titles = list(names)
    figure = new_figure(height)
    found = list(figure.subplots(1, len(titles), squeeze=False)[0])
    for axes, title in zip(found, titles, strict=True):
        axes.set_title(title)
    return figure, found


def nothing_yet(name: str, title: str) -> Drawing:
    """What stands in a figure's place while there is nothing to draw."""
    figure = new_figure(2.0)
    figure.text(0.5, 0.5, NOTHING, ha="center", va="center", fontsize=12, style="italic", color="#555555")
    figure.suptitle(title)
    sentence = f"{NOTHING[0].upper()}{NOTHING[1:]}."
    return Drawing(name, title, sentence, f"{title}: {sentence.lower()}", figure)


def look(number: int) -> dict[str, Any]:
    """Colour, marker and line of the variant at a position of the ablation table."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": LINES[number % len(LINES)],
    }


def shortened(name: str, length: int = NAME_LENGTH) -> str:
    """A class name that fits its place."""
    return name if len(name) <= length else f"{name[: length - 1]}…"


def counted(number: int, thing: str) -> str:
    """1 clip, 4 clips."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def over_seeds(number: int) -> str:
    """What values over so many seeds are."""
    return "values of the one seed" if number == 1 else f"mean and standard deviation (whiskers) over {number} seeds"


def encoded(figure: Figure, extensions: Iterable[str] = EXTENSIONS) -> dict[str, bytes]:
    """The figure by file format; equal figures give equal bytes, for the files hold no date."""
    made = {}
    with styled():
        figure.draw_without_rendering()  # lays out, once for all formats
        figure.set_layout_engine("none")
        for extension in extensions:
            buffer = io.BytesIO()
            figure.savefig(buffer, format=extension, dpi=DPI, metadata=METADATA[extension])
            made[extension] = buffer.getvalue()
    return made


def marks(figure: Figure) -> int:
    """How many points, bars, images and vertices of lines a figure has."""
    total = 0
    for axes in figure.axes:
        drawn: list[Any] = [line.get_xydata() for line in axes.lines]
        drawn += [
            found.get_offsets() if isinstance(found, PathCollection) else found.get_paths()
            for found in axes.collections
        ]
        total += sum(map(len, [*drawn, axes.patches, axes.images]))
    return total


def embed(figure: Figure, svg: bytes) -> str:
    """The form that a page embeds: `svg`, or `png` above `MOST_MARKS` marks or `MOST_BYTES` of SVG."""
    return "svg" if marks(figure) <= MOST_MARKS and len(svg) <= MOST_BYTES else "png"

"""Write the symbols of losses, such as L_US, with a subscript, in HTML, LaTeX and figures."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

SYMBOL = re.compile(r"\bL_([A-Z]+)\b")
MEASURE = re.compile(r"\btop-\d\b|\([^\s()<>]{1,16}\)")
ESCAPED = re.compile(r"\bL\\_([A-Z]+)\b")


def html_symbols(text: object) -> Markup:
    """Escape a text for HTML, with its symbols as L<sub>US</sub>; no line ends inside `top-1` or `(UCF-like)`."""
    subscripts = SYMBOL.sub(r"L<sub>\1</sub>", str(escape(text)))
    return Markup(MEASURE.sub(r'<span class="one">\g<0></span>', subscripts))  # nosec B704


def latex_symbols(escaped: str) -> str:
    """Set the symbols of a text in math; its special characters are escaped already."""
    return ESCAPED.sub(r"$L_{\\mathrm{\1}}$", escaped)


@contextmanager
def symbols_in_math(figure: "Figure") -> Iterator[None]:
    """Set the symbols of all texts of a figure in math, for a while; every other character stays as it is."""
    from matplotlib.text import Text

    axes = [axis for each in figure.axes for axis in (each.xaxis, each.yaxis)]
    ticks = {axis: [label.get_text() for label in axis.get_ticklabels()] for axis in axes}
    ticks = {axis: texts for axis, texts in ticks.items() if any(map(SYMBOL.search, texts))}
    for axis, texts in ticks.items():
        _label(axis, list(map(_math, texts)), True)
    others = [text for text in figure.findobj(Text) if isinstance(text, Text) and SYMBOL.search(text.get_text())]
    before = {text: text.get_text() for text in others}
    for text in others:
        text.set_text(_math(text.get_text()))
        text.set_parse_math(True)
    yield
    for text, plain in before.items():
        text.set_text(plain)
        text.set_parse_math(False)
    for axis, texts in ticks.items():
        _label(axis, texts, False)


def _label(axis: "Axis", texts: list[str], math: bool) -> None:
    """Write the labels of an axis at its ticks."""
    axis.set_ticks(axis.get_ticklocs(), labels=texts)
    for label in axis.get_ticklabels():
        label.set_parse_math(math)


def _math(text: str) -> str:
    return SYMBOL.sub(r"$L_\\mathrm{\1}$", text.replace("$", r"\$"))

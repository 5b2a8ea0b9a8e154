"""Write the symbols of losses, such as L_US, with a subscript, in HTML, LaTeX and figures."""

import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
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


def set_symbols(figure: "Figure") -> None:
    """Set the symbols of all texts of a figure in math; every other character stays as it is."""
    from matplotlib.text import Text

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            texts = [label.get_text() for label in axis.get_ticklabels()]
            if any(map(SYMBOL.search, texts)):
                axis.set_ticks(axis.get_ticklocs(), labels=list(map(_math, texts)))
                for label in axis.get_ticklabels():
                    label.set_parse_math(True)
    for artist in figure.findobj(Text):
        if isinstance(artist, Text) and not artist.get_parse_math() and SYMBOL.search(artist.get_text()):
            artist.set_text(_math(artist.get_text()))
            artist.set_parse_math(True)


def _math(text: str) -> str:
    return SYMBOL.sub(r"$L_\\mathrm{\1}$", text.replace("$", r"\$"))

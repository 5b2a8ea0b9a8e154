"""Compare class names as people spell them: letter case, underscores, blanks, and the way that accents are stored."""

import difflib
import unicodedata
from collections.abc import Collection, Iterable


def spelling(name: str) -> str:
    """Reduce a name to what counts when names are compared: " Hand_stand " and "hand  STAND" are equal."""
    return " ".join(unicodedata.normalize("NFC", name).replace("_", " ").split()).casefold()


def suggest(unknown: Iterable[str], known: Collection[str]) -> str:
    """List unknown names, each with the known name that is most like it, if one is: "'Archry' (did you mean 'Archery'?)"."""
    spelt = {spelling(name): name for name in known}
    joined = {key.replace(" ", ""): name for key, name in spelt.items()}  # "Apply Eye Makeup" for "ApplyEyeMakeup"
    listed = []
    for name in unknown:
        near = joined.get(spelling(name).replace(" ", ""))
        close = difflib.get_close_matches(spelling(name), spelt, n=1, cutoff=0.7) if near is None else []
        near = spelt[close[0]] if close else near
        listed.append(f"'{name}'" + (f" (did you mean '{near}'?)" if near is not None else ""))
    return ", ".join(listed)

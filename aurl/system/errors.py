"""Define the one exception that a user should ever see, and how its text is worded."""

import difflib
from collections.abc import Iterable


class AurlError(Exception):
    """Report bad input in one line: the problem, its place, and the way to mend it.

    Text from a file or a name inside the message cannot control a terminal: see `printable`.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def printable(text: str) -> str:
    """Escape every character that cannot be printed, except line ends: ESC -> \\x1b."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter == "\n" else letter.encode("unicode_escape").decode()
        for letter in text
    )


def choices(name: str, known: Iterable[str]) -> str:
    """End a message about an unknown name: the nearest known one, and all of them."""
    names = list(known)
    near = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}known: {', '.join(names)}"


def one_line(text: object, most: int = 300) -> str:
    """Put an error of a library, or a text, into one line of at most `most` characters."""
    return " ".join(str(text).split())[:most]

"""The one exception that a user should ever see."""


class AurlError(Exception):
    """Bad input: one line that says what is wrong, where, and how to mend it.

    What a message repeats from a file or a name cannot steer a terminal: see `printable`.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def printable(text: str) -> str:
    """The text with every character that cannot be printed, but for line ends, as an escape: ESC -> \\x1b."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter == "\n" else letter.encode("unicode_escape").decode()
        for letter in text
    )

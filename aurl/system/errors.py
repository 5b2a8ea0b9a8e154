"""Define the one exception that a user should ever see."""


class AurlError(Exception):
    """Bad input, in one line: what is wrong, where, and how to mend it.

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

"""The one exception that a user should ever see."""


class AurlError(Exception):
    """Bad input: one line that says what is wrong, where, and how to mend it."""

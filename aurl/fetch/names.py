"""Check file names from outside before they become paths."""

from pathlib import PurePosixPath

from aurl.system.errors import AurlError

LONGEST_NAME_BYTES = 255


def safe_path(name: str) -> PurePosixPath:
    """Turn a name from an archive or an address into a relative path.

    Raises:
        AurlError: the name is empty, absolute or climbs out with `..`, or holds a backslash, a character that
            cannot be printed (NUL, line break, bytes that are not UTF-8), or a part that no file system takes.
    """
    path = PurePosixPath(name)
    if not name or path.is_absolute():
        raise AurlError(f"the name {name!r} is empty or absolute")
    if ".." in path.parts:
        raise AurlError(f"the name {name!r} climbs out of its folder")
    if "\\" in name or not name.isprintable():
        raise AurlError(f"the name {name!r} holds a character that is not allowed")
    if any(len(part.encode()) > LONGEST_NAME_BYTES for part in path.parts):
        raise AurlError(f"the name {name[:40]!r}... is too long")
    return path

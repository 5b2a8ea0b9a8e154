"""Write and read the bundle's zip file.

The same files give the same bytes, and reading trusts nothing.

Files are stored without compression. So any zlib gives the same bytes, and no entry can be larger than the zip file.
"""

import hashlib
import json
import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aurl.system.errors import AurlError, one_line
from aurl.system.files import replacing

METADATA = "ro-crate-metadata.json"
SIGNATURE = "ro-crate-metadata.json.sig"  # over the metadata, which hold the SHA-256 of every other file
FIRST_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold
MOST_FILES, LONGEST_NAME, CHUNK = 200_000, 500, 1 << 20
MOST_JSON_BYTES, DEEPEST_JSON = 64 << 20, 60
ENCRYPTED, REGULAR = 0x1, (0, stat.S_IFREG)
MEND = "ask its author for another copy, or make it again ('aurl bundle')"


def write_bundle(path: Path, files: Mapping[str, bytes | Path]) -> None:
    """Write a zip file of contents or copies of files, sorted by name.

    Equal files give equal bytes.

    Raises: AurlError for a name that reading would refuse.
    """
    _check_names(path, sorted(files))
    with replacing(path) as (temporary,), zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files, key=lambda name: (name != METADATA, name)):
            info, content = zipfile.ZipInfo(name, FIRST_TIME), files[name]
            info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            info.file_size = content.stat().st_size if isinstance(content, Path) else len(content)
            with archive.open(info, "w") as target:
                for chunk in _chunks_of(content):
                    target.write(chunk)


@dataclass(frozen=True)
class Held:
    """Hold the size in bytes and the SHA-256 of a file in the bundle."""

    size: int
    sha256: str


class Container:
    """Reads a bundle; nothing is written but by `unpack`."""

    def __init__(self, path: Path) -> None:
        """Raises: AurlError if the file is no bundle, or one that could do harm."""
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
            self._entries = {info.filename: info for info in self._archive.infolist()}
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or one_line(error)
            raise AurlError(f"{path}: no bundle ({reason}); {MEND}") from None
        self._check()
        self._held: dict[str, Held] = {}

    @property
    def names(self) -> list[str]:
        """List the files, sorted."""
        return sorted(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        return self._entries[name].file_size

    def held(self, name: str) -> Held:
        """Compute the size and SHA-256 of a file. Raises: AurlError if it is damaged."""
        if name not in self._held:
            whole, size = hashlib.sha256(), 0
            for chunk in self._chunks(name):
                whole.update(chunk)
                size += len(chunk)
            self._held[name] = Held(size, whole.hexdigest())
        return self._held[name]

    def read(self, name: str, most: int = MOST_JSON_BYTES) -> bytes:
        """Read a file of at most `most` bytes.

        Raises: AurlError if it is missing, damaged or larger.
        """
        if name not in self._entries:
            raise AurlError(f"{self.path}: no '{name}' in it; {MEND}")
        if self.size(name) > most:
            raise AurlError(f"{self.path}: {name}: {self.size(name):,} bytes, {most:,} are the most; {MEND}")
        return b"".join(self._chunks(name))

    def json(self, name: str) -> Any:
        """Read a JSON file: no key twice, no deep nesting. Raises: AurlError."""
        try:
            return parse_json(self.read(name).decode())
        except ValueError as error:
            raise AurlError(f"{self.path}: {name}: no usable JSON ({one_line(error)}); {MEND}") from None

    def unpack(self, name: str, target: Path) -> None:
        """Write a copy of a file. Raises: AurlError if it is damaged."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as handle:
            for chunk in self._chunks(name):
                handle.write(chunk)

    def close(self) -> None:
        """Close the file."""
        self._archive.close()

    def _chunks(self, name: str) -> Iterator[bytes]:
        try:
            with self._archive.open(self._entries[name]) as handle:
                while chunk := handle.read(CHUNK):
                    yield chunk
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise AurlError(f"{self.path}: {name}: damaged ({one_line(error)}); {MEND}") from None

    def _check(self) -> None:
        """Refuse what could do harm. Raises: AurlError, one line."""
        infos = self._archive.infolist()
        if len(infos) > MOST_FILES:
            raise AurlError(f"{self.path}: {len(infos):,} files, {MOST_FILES:,} are the most; {MEND}")
        _check_names(self.path, [info.filename for info in infos], [info.orig_filename for info in infos])
        for info in infos:
            if problem := _problem(info):
                raise AurlError(f"{self.path}: {info.filename[:LONGEST_NAME]!r}: {problem}; {MEND}")
        declared, real = sum(info.file_size for info in infos), self.path.stat().st_size
        if declared > real:
            raise AurlError(f"{self.path}: its files claim {declared:,} bytes, but it has {real:,}; {MEND}")


def parse_json(text: str) -> Any:
    """Parse JSON strictly. Raises.

    ValueError for a key twice, NaN, or nesting deeper than `DEEPEST_JSON`.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    waiting, depth = [value], 0
    while waiting:
        depth += 1
        if depth > DEEPEST_JSON:
            raise ValueError("nested too deeply")
        parts = [each for each in waiting if isinstance(each, dict | list)]
        waiting = [inner for each in parts for inner in (each.values() if isinstance(each, dict) else each)]
    return value


def _problem(info: zipfile.ZipInfo) -> str | None:
    """Say what is wrong with an entry that is no plain, stored file."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "a link; a bundle holds files only"
    if kind not in REGULAR or info.is_dir():
        return "no regular file; a bundle holds files only"
    if info.flag_bits & ENCRYPTED:
        return "encrypted"
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        return "compressed; a bundle stores its files as they are (zip -0)"
    return None


def _check_names(path: Path, names: list[str], raw: Iterable[str] = ()) -> None:
    """Refuse names that leave the folder, are double, or differ between systems."""
    for name in (*names, *raw):
        parts = name.split("/")
        if (
            not name.isprintable()
            or len(name) > LONGEST_NAME
            or any(part in ("", ".", "..") for part in parts)
            or re.search(r'[\\:*?"<>|]', name)
        ):
            raise AurlError(f"{path}: {name[:80]!r} is no name of a file below a folder; {MEND}")
    keys = [unicodedata.normalize("NFC", name).casefold() for name in names]
    seen: set[str] = set()
    for name, key in zip(names, keys, strict=True):
        if key in seen:
            raise AurlError(f"{path}: {name!r} is in it twice; {MEND}")
        seen.add(key)
    folders = {key.rsplit("/", depth)[0] for key in keys for depth in range(1, key.count("/") + 1)}
    if both := folders & seen:
        raise AurlError(f"{path}: {min(both)!r} is a file and a folder; {MEND}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is written twice")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _chunks_of(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            yield chunk

"""Unpacking archives from outside: zip, tar (plain or compressed) and rar, also archives of archives.

No unpacking program ever writes a file here. Each format is read as a stream of entries (rar through an
installed `bsdtar` or `unrar`), and one function writes them: regular files and folders only, with checked
names, below one new folder, and never more bytes or entries than allowed, whatever the headers announce.
"""

import gzip
import os
import shutil
import stat
import struct
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from aurl.fetch.names import safe_path
from aurl.system.errors import AurlError
from aurl.system.files import files_below, replacing
from aurl.system.progress import in_bytes, transfer

CHUNK = 1 << 20
MOST_DEEP = 2  # an archive in an archive, as HMDB51's; no further
MOST_RATIO = 50  # videos do not compress: what unpacks to more than this is no dataset
SMALL = 1 << 20  # below this size, headers and padding make any ratio
MAGIC = {".zip": b"PK\x03\x04", ".gz": b"\x1f\x8b", ".tgz": b"\x1f\x8b", ".rar": b"Rar!\x1a\x07"}
RAR_PROGRAMS = "rar archives need bsdtar (Debian: libarchive-tools) or RARLAB's unrar"
# what the libraries raise for bytes that are no archive; never an OSError of the disk
DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error),
    *(EOFError, ValueError, NotImplementedError, struct.error),
)


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class _Entry:
    """One entry of an archive: a regular file, with its contents to be read at once, or a folder."""

    name: str
    contents: _Reader | None


class _UnreadableError(Exception):
    """The program at hand cannot read this archive."""


class Budget:
    """How much may still be unpacked, and what sets that bound."""

    def __init__(self, size: int, entries: int, bound: str = "allowed for this dataset") -> None:
        self.bytes, self.entries, self.bound = size, entries, f"{in_bytes(size)}, {bound}"

    def within(self, archive: Path, folder: Path) -> "Budget":
        """This budget, or a smaller one that suits the archive's size and the free disk."""
        free = Budget(shutil.disk_usage(folder).free, self.entries, "free on the disk")
        ratio = MOST_RATIO * max(archive.stat().st_size, SMALL)
        sane = Budget(ratio, self.entries, f"{MOST_RATIO} times the size of the archive")
        return min(Budget(self.bytes, self.entries), free, sane, key=lambda budget: budget.bytes)

    def take_entry(self) -> None:
        """Raises: AurlError for one entry too many."""
        self.entries -= 1
        if self.entries < 0:
            raise AurlError("it holds more entries than allowed for this dataset")

    def take_bytes(self, number: int) -> None:
        """Raises: AurlError for one byte too many."""
        self.bytes -= number
        if self.bytes < 0:
            raise AurlError(f"it unpacks to more than {self.bound}")


def is_archive(name: str) -> bool:
    """Whether a file's name is that of an archive that can be unpacked here."""
    return name.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz", ".rar"))


def need_programs(names: list[str]) -> None:
    """Raises: AurlError if no program is installed that unpacks one of these archives."""
    rar = [name for name in names if name.lower().endswith(".rar")]
    if rar and not (shutil.which("bsdtar") or shutil.which("unrar")):
        raise AurlError(f"{rar[0]}: neither bsdtar nor unrar is installed; {RAR_PROGRAMS}")


def check_kind(path: Path) -> None:
    """Raises: AurlError, without the path, if a file does not begin as the kind does that its name tells."""
    with path.open("rb") as handle:
        start = handle.read(512)
    if start.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise AurlError("this is a web page, not the file")
    if not start.startswith(MAGIC.get(path.suffix.lower(), b"")):
        raise AurlError(f"this is no {path.suffix} file")


def unpack(archive: Path, folder: Path, budget: Budget) -> None:
    """Unpack an archive, and the archives in it, to a new folder; all of it or nothing.

    Raises:
        AurlError: the archive is damaged, too large, holds anything but regular files and folders or a name
            that leads elsewhere, or the program for its format is missing.
    """
    with replacing(folder) as (temporary,):
        temporary.mkdir()
        budget = budget.within(archive, temporary)
        with transfer(f"unpack {archive.name}", None) as advance:
            try:
                _unpack(archive, temporary, budget, advance, MOST_DEEP)
            except AurlError as error:
                raise AurlError(
                    f"{archive}: {error}; nothing of it was unpacked; if the file is damaged, delete it and fetch it again"
                ) from None


def _unpack(archive: Path, folder: Path, budget: Budget, advance: Callable[[int], object], depth: int) -> None:
    check_kind(archive)
    try:
        if archive.name.lower().endswith(".rar"):
            _unpack_rar(archive, folder, budget, advance)
        else:
            read = _zip_entries if archive.name.lower().endswith(".zip") else _tar_entries
            _write(read(archive, budget), folder, budget, advance)
    except DAMAGED as error:
        raise AurlError(f"damaged or cut short ({error})") from None
    for inner in [path for path in files_below(folder) if is_archive(path.name)]:
        if depth == 1:
            raise AurlError(f"archives in it are nested more than {MOST_DEEP} deep")
        beside = inner.with_name(f".{inner.name}.unpacked")
        beside.mkdir()
        try:
            _unpack(inner, beside, budget, advance, depth - 1)
        except AurlError as error:
            raise AurlError(f"{inner.name} in it: {error}") from None
        inner.unlink()
        merge(beside, inner.parent)
        beside.rmdir()


def merge(source: Path, target: Path) -> None:
    """Move everything in a folder into another one, folder by folder; a merge that was killed can be repeated.

    Raises: AurlError if a file is already there: two archives hold the same one.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        goal = target / path.name
        if not goal.exists():
            os.rename(path, goal)
        elif path.is_dir() and goal.is_dir():
            merge(path, goal)
            path.rmdir()
        else:
            raise AurlError(f"{goal}: two archives of the dataset hold this file")


def _write(entries: Generator[_Entry], folder: Path, budget: Budget, advance: Callable[[int], object]) -> None:
    """The only place that writes what an archive holds. The folder is new, so nothing in it can be a link."""
    with closing(entries):
        for entry in entries:
            budget.take_entry()
            path = folder / safe_path(entry.name)
            try:
                if entry.contents is None:
                    path.mkdir(parents=True, exist_ok=True)
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as handle:
                    while chunk := entry.contents.read(CHUNK):
                        budget.take_bytes(len(chunk))
                        handle.write(chunk)
                        advance(len(chunk))
            except (FileExistsError, NotADirectoryError):
                raise AurlError(f"it holds {entry.name!r} twice") from None


def _zip_entries(archive: Path, budget: Budget) -> Generator[_Entry]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise AurlError(f"{info.orig_filename!r} is a link or a device")
            if info.flag_bits & 1:
                raise AurlError(f"{info.orig_filename!r} is encrypted")
            if info.filename.endswith("/"):  # `is_dir` stumbles over a name without letters
                yield _Entry(info.orig_filename, None)
            else:
                try:
                    contents = opened.open(info)
                except OSError as error:  # a damaged offset, before the beginning of the file
                    raise zipfile.BadZipFile(str(error)) from None
                with contents:
                    yield _Entry(info.orig_filename, contents)


def _tar_entries(archive: Path, budget: Budget) -> Generator[_Entry]:
    with gzip.open(archive) if archive.suffix in (".gz", ".tgz") else archive.open("rb") as stream:
        yield from _stream_entries(stream, budget)


def _stream_entries(stream: IO[bytes] | gzip.GzipFile, budget: Budget) -> Generator[_Entry]:
    """The entries of a tar stream, which is read to its very end: a compressed one holds its checksum there."""
    with tarfile.open(fileobj=stream, mode="r|") as opened:
        for member in opened:
            if not (member.isreg() or member.isdir()):
                raise AurlError(f"{member.name!r} is a link or a device")
            yield _Entry(member.name, opened.extractfile(member) if member.isreg() else None)
    while rest := stream.read(CHUNK):
        budget.take_bytes(len(rest))


def _unpack_rar(archive: Path, folder: Path, budget: Budget, advance: Callable[[int], object]) -> None:
    """Through the first installed program that can read the archive: bsdtar cannot read solid ones of RAR 4."""
    reasons = []
    for program, read in (("bsdtar", _bsdtar_entries), ("unrar", _unrar_entries)):
        if shutil.which(program) is None:
            reasons.append(f"{program} is not installed")
            continue
        attempt = copy(budget)
        try:
            _write(read(archive, attempt), folder, attempt, advance)
        except (_UnreadableError, *DAMAGED) as error:
            reasons.append(f"{program}: {' '.join(str(error).split())}")
            shutil.rmtree(folder)
            folder.mkdir()
        else:
            budget.bytes, budget.entries = attempt.bytes, attempt.entries
            return
    raise AurlError(f"no program could unpack it ({'; '.join(reasons)}); {RAR_PROGRAMS}")


def _bsdtar_entries(archive: Path, budget: Budget) -> Generator[_Entry]:
    """bsdtar turns the rar archive into a tar stream on its standard output."""
    command = ["bsdtar", "-cf", "-", "--format", "pax", f"@{archive.resolve()}"]
    with _output_of(command) as stream:
        yield from _stream_entries(stream, budget)


def _unrar_entries(archive: Path, budget: Budget) -> Generator[_Entry]:
    """unrar lists the entries, then prints the contents of all files, one behind the other, in the list's order."""
    with _output_of(["unrar", "lt", "-p-", "--", str(archive.resolve())]) as stream:
        entries = list(_parse_listing(stream.read().decode(errors="surrogateescape")))
    for name, kind, _ in entries:
        if kind not in ("File", "Directory"):
            raise AurlError(f"{name!r} is a link or a device")
    with _output_of(["unrar", "p", "-inul", "-p-", "--", str(archive.resolve())]) as stream:
        for name, kind, size in entries:
            yield _Entry(name, _Part(stream, size) if kind == "File" else None)
        if stream.read(1):
            raise _UnreadableError("printed more than it had listed")


def _parse_listing(text: str) -> Iterator[tuple[str, str, int]]:
    """Name, type and size of the entries in unrar's technical list. Raises: _UnreadableError for any other list."""
    if "UNRAR" not in text:
        raise _UnreadableError("is not RARLAB's program")
    for block in text.split("\n\n"):
        fields: dict[str, str] = {}
        for line in block.splitlines():
            key, found, value = line.partition(": ")
            if found:
                fields.setdefault(key.strip(), value)
        if "Name" in fields:
            yield fields["Name"], fields.get("Type", "?"), int(fields.get("Size", "0"))


class _Part:
    """The next `size` bytes of a stream, as a stream."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream, self._left = stream, size

    def read(self, size: int, /) -> bytes:
        """As of any stream. Raises: _UnreadableError if the stream ends before the part does."""
        content = self._stream.read(min(size, self._left))
        if self._left and not content:
            raise _UnreadableError("printed less than it had listed")
        self._left -= len(content)
        return content


@contextmanager
def _output_of(command: list[str]) -> Iterator[IO[bytes]]:
    """A program's standard output. Raises: _UnreadableError, with what it said, if the program fails."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env={**os.environ, "LC_ALL": "C.UTF-8"}
        )  # fmt: skip
        assert process.stdout is not None
        failed: Exception | None = None
        try:
            with process.stdout as output:
                yield output
        except DAMAGED as error:  # a cut stream: the program's own words say more
            failed = error
        except BaseException:
            process.kill()
            raise
        finally:
            status = process.wait()
        said.seek(0)
        words = said.read(2000).decode(errors="replace").splitlines()
    if status or failed:
        raise _UnreadableError(words[0] if words else f"exit status {status}, {failed}")

"""Unpack archives from outside: zip, tar (plain or compressed) and rar, also archives of archives.

No unpacking program ever writes a file here. Each format is read as a stream of entries (rar through an installed
`bsdtar`), and one function writes them: regular files and folders only, with checked names, below one new folder,
and never more bytes or entries than allowed, whatever the headers announce.
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
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import IO

from aurl.fetch.names import safe_path
from aurl.system.errors import AurlError, one_line
from aurl.system.files import files_below, replacing
from aurl.system.progress import in_bytes, transfer

CHUNK = 1 << 20
MOST_DEEP = 2  # an archive in an archive, as HMDB51's; no further
MOST_RATIO = 50  # videos do not compress: an archive that unpacks to more is no dataset
SMALL = 1 << 20  # below this size, headers and padding make any ratio
MAGIC = {".zip": b"PK\x03\x04", ".gz": b"\x1f\x8b", ".tgz": b"\x1f\x8b", ".rar": b"Rar!\x1a\x07"}
RAR_HINT = "if the file is whole, unpack it with RARLAB's unrar, move the folder into place, and run this command again"
# errors of the libraries for bytes that are no archive; never an OSError of the disk
DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error),
    *(EOFError, ValueError, NotImplementedError, struct.error),
)


Entry = tuple[str, IO[bytes] | None]  # a name, and the contents of a file, to be read at once, or None for a folder


class Budget:
    """Count the bytes and entries that may still be unpacked."""

    def __init__(self, size: int, entries: int) -> None:
        self.bytes, self.entries, self.bound = size, entries, ""

    def lower_to(self, archive: Path, folder: Path) -> None:
        """Lower the bytes to those that suit the archive's size and the free disk."""
        bounds = {
            "allowed for this dataset": self.bytes,
            "free on the disk": shutil.disk_usage(folder).free,
            f"{MOST_RATIO} times the size of the archive": MOST_RATIO * max(archive.stat().st_size, SMALL),
        }
        reason, self.bytes = min(bounds.items(), key=lambda bound: bound[1])
        self.bound = f"{in_bytes(self.bytes)}, {reason}"

    def take(self, size: int = 0, entries: int = 0) -> None:
        """Count bytes and entries. Raises: AurlError for one too many."""
        self.bytes, self.entries = self.bytes - size, self.entries - entries
        if self.entries < 0:
            raise AurlError("it holds more entries than allowed for this dataset")
        if self.bytes < 0:
            raise AurlError(f"it unpacks to more than {self.bound}")


def is_archive(name: str) -> bool:
    """Recognise by its name a file that can be unpacked here."""
    return name.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz", ".rar"))


def need_programs(names: list[str]) -> None:
    """Check that these archives can be unpacked here. Raises: AurlError if the program for rar is missing."""
    rar = [name for name in names if name.lower().endswith(".rar")]
    if rar and not shutil.which("bsdtar"):
        raise AurlError(f"{rar[0]}: bsdtar is not installed, rar archives need it (Debian: libarchive-tools)")


def check_kind(path: Path) -> None:
    """Check that a file begins as its name promises. Raises: AurlError, without the path, if it does not."""
    with path.open("rb") as handle:
        start = handle.read(512)
    if start.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise AurlError("this is a web page, not the file")
    if not start.startswith(MAGIC.get(path.suffix.lower(), b"")):
        raise AurlError(f"this is no {path.suffix} file")


def unpack(archive: Path, folder: Path, budget: Budget) -> None:
    """Unpack an archive, and the archives in it, into a new folder: all of it or nothing.

    Raises:
        AurlError: the archive is damaged, too large, holds anything but regular files and folders or a name
            that leads elsewhere, or the program for its format is missing.
    """
    with replacing(folder) as (temporary,):
        temporary.mkdir()
        budget.lower_to(archive, temporary)
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
        read = {".zip": _zip_entries, ".rar": _rar_entries}.get(archive.suffix.lower(), _tar_entries)
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
    """Move everything in a folder into another one; a merge that was killed can be repeated.

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


def _write(entries: Generator[Entry], folder: Path, budget: Budget, advance: Callable[[int], object]) -> None:
    """Write entries into a new folder. Nothing else writes there, so no path can be a link."""
    with closing(entries):
        for name, contents in entries:
            budget.take(entries=1)
            path = folder / safe_path(name)
            try:
                if contents is None:
                    path.mkdir(parents=True, exist_ok=True)
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as handle:
                    while chunk := contents.read(CHUNK):
                        budget.take(len(chunk))
                        handle.write(chunk)
                        advance(len(chunk))
            except (FileExistsError, NotADirectoryError):
                raise AurlError(f"it holds {name!r} twice") from None


def _zip_entries(archive: Path, budget: Budget) -> Generator[Entry]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise AurlError(f"{info.orig_filename!r} is a link or a device")
            if info.flag_bits & 1:
                raise AurlError(f"{info.orig_filename!r} is encrypted")
            if info.filename.endswith("/"):  # `is_dir` stumbles over a name without letters
                yield info.orig_filename, None
            else:
                try:
                    contents = opened.open(info)
                except OSError as error:  # a damaged offset, before the beginning of the file
                    raise zipfile.BadZipFile(str(error)) from None
                with contents:
                    yield info.orig_filename, contents


def _tar_entries(archive: Path, budget: Budget) -> Generator[Entry]:
    with gzip.open(archive) if archive.suffix in (".gz", ".tgz") else archive.open("rb") as stream:
        yield from _stream_entries(stream, budget)


def _stream_entries(stream: IO[bytes] | gzip.GzipFile, budget: Budget) -> Generator[Entry]:
    """Read a tar stream to its very end: a compressed one holds its checksum there."""
    with tarfile.open(fileobj=stream, mode="r|") as opened:
        for member in opened:
            if not (member.isreg() or member.isdir()):
                raise AurlError(f"{member.name!r} is a link or a device")
            yield member.name, opened.extractfile(member) if member.isreg() else None
    while rest := stream.read(CHUNK):
        budget.take(len(rest))


def _rar_entries(archive: Path, budget: Budget) -> Generator[Entry]:
    """Read a rar archive through bsdtar, which turns it into a tar stream on its standard output."""
    command = ["bsdtar", "-cf", "-", "--format", "pax", f"@{archive.resolve()}"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages, env=environment
        )
        assert process.stdout is not None
        reason = ""
        try:
            with process.stdout as output:
                yield from _stream_entries(output, budget)
        except DAMAGED as error:  # a cut stream: the program's own message says more
            reason = str(error)
        except BaseException:
            process.kill()
            raise
        finally:
            status = process.wait()
        messages.seek(0)
        lines = messages.read(2000).decode(errors="replace").splitlines()
    if status or reason:
        message = (lines or [reason or f"exit status {status}"])[0]
        raise AurlError(f"bsdtar could not unpack it ({one_line(message)}); {RAR_HINT}")

"""Fetch a dataset or the word vectors: download, verify, unpack, check, and only then put into place.

Below the folder `DIR`:

    UCF-101/                   the dataset, complete (or none)
    downloads.json             size and checksum of every file that was ever downloaded
    archives/                  archives, and parts of archives, until they are unpacked
    .UCF-101.unpacking/parts/  one folder for each archive that is wholly unpacked
    .UCF-101.unpacking/whole/  all of them together
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aurl.fetch.archives import Budget, check_kind, is_archive, merge, need_programs, unpack
from aurl.fetch.check import check, digest_file
from aurl.fetch.download import download, need_disk
from aurl.fetch.sources import Checksum, Source, SourceFile
from aurl.system.errors import AurlError, one_line
from aurl.system.files import copy_file
from aurl.system.json_files import write_json
from aurl.system.locks import exclusive
from aurl.system.progress import in_bytes

RECORDED = "recorded at first download, not stated by the source"


def fetch(source: Source, folder: Path, origin: str | None = None, keep: bool = False) -> Iterator[str]:
    """Fetch a source into a folder, unless it is there; yields lines for the user.

    Args:
        origin: a local folder or the address of a mirror that has the files under their own names.
        keep: leave the archives in `archives/` after unpacking.
    Raises:
        AurlError: the present copy is incomplete, or a file could not be fetched, verified or unpacked. Finished
            parts stay for the next run; nothing half-finished ever appears in the official place.
    """
    present = find_present(source, folder)
    if present is None:
        yield from describe(source, folder, origin)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AurlError(f"{folder}: cannot be made ({error.strerror}); give another folder to --to") from None
        with exclusive(folder / source.target, folder / ".locks"):
            Fetch(source, folder, origin, keep).run()
        present = folder / source.target
    shutil.rmtree(_work_folder(source, folder), ignore_errors=True)  # of a run that was killed at its very end
    yield from check(source, present)


def check_present(source: Source, folder: Path) -> Iterator[str]:
    """Check a source below a folder. Raises: AurlError as `check`, and if nothing is there."""
    present = find_present(source, folder)
    if present is None:
        raise AurlError(f"{folder / source.target}: not there; without --check, this command fetches it")
    yield from check(source, present)


def find_present(source: Source, folder: Path) -> Path | None:
    """Find the source below a folder, or None."""
    names = filter(None, (source.target, source.also))
    return next((folder / name for name in names if os.path.lexists(folder / name)), None)


def describe(source: Source, folder: Path, origin: str | None) -> Iterator[str]:
    """Describe the files to fetch: addresses, sizes, disk, licence."""
    yield f"{source.title} ({source.page})"
    for file in source.files:
        size = "size asked from the server" if file.bytes is None else in_bytes(file.bytes)
        yield f"  from     {locate(file, origin)}{', a list of archives' if file.list else f' ({size})'}"
    yield f"  into     {folder / source.target}"
    yield f"  size     {source.size}"
    free = in_bytes(shutil.disk_usage(next(path for path in (folder, *folder.resolve().parents) if path.is_dir())).free)
    archive = "an archive" if source.files[0].list else "the archive"
    needs = "the file" if source.layout is None else f"the dataset and {archive}, which goes once it is unpacked"
    yield f"  disk     {needs}; {free} are free"
    yield f"  licence  {source.licence}"
    yield f"  note     {source.note}"


def locate(file: SourceFile, origin: str | None) -> str | Path:
    """Return the file's official address, or its place at a mirror (an address) or in a folder (a path)."""
    if origin is None:
        return file.url
    if origin.startswith(("http://", "https://")):
        return f"{origin.rstrip('/')}/{quote(file.name)}"
    return Path(origin) / file.name


class Fetch:
    """Fetch a source into a folder, step by step."""

    def __init__(self, source: Source, folder: Path, origin: str | None, keep: bool) -> None:
        self.source, self.folder, self.origin, self.keep = source, folder, origin, keep
        self.work, self.archives = _work_folder(source, folder), folder / "archives"
        self.records = folder / "downloads.json"

    def run(self) -> None:
        """Do every step that is not done yet. Raises: AurlError, see `fetch`."""
        target = self.folder / self.source.target
        if os.path.lexists(target):
            return  # another process has put it there while this one waited
        if self.source.limits is None:
            self._place(self.source.files[0], target)
            return
        files = [file for listed in self.source.files for file in self._expand(listed)]
        need_programs([file.name for file in files])
        for file in files:
            part = self.work / "parts" / file.name
            if not part.is_dir():
                archive = self._obtain(file, 2)
                need_disk(self.folder, archive.stat().st_size, f"unpacking {archive.name}")
                unpack(archive, part, Budget(self.source.limits.bytes, self.source.limits.entries))
                self._record(archive, file)
            self._discard(file)
        whole = self._assemble(files)
        try:
            list(check(self.source, whole))
        except AurlError as error:
            raise AurlError(
                f"{error}; to start over, delete {self.work} and the archives' entries in {self.records};"
                f" to use it nevertheless, move it to {target}"
            ) from None
        os.rename(whole, target)
        for listed in self.source.files:
            self._discard(listed)

    def _place(self, file: SourceFile, target: Path) -> None:
        """Put a file into place that is used as it is."""
        obtained = self._obtain(file, 1)
        self._record(obtained, file)
        if obtained.parent == self.archives:
            os.rename(obtained, target)
        else:
            need_disk(self.folder, obtained.stat().st_size, f"copying {obtained}")
            copy_file(obtained, target)

    def _expand(self, file: SourceFile) -> list[SourceFile]:
        """List the file itself, or those that an official list names. Raises: AurlError for a bad list."""
        if not file.list:
            return [file]
        obtained = self._obtain(file, 1)
        try:
            files = [SourceFile(url=line, into=file.into) for line in obtained.read_text(errors="replace").split()]
        except ValueError:
            files = []
        if not files or len({file.name for file in files}) < len(files) or not all(is_archive(f.name) for f in files):
            raise AurlError(f"{obtained}: this is no list of addresses of archives; delete it and fetch it again")
        self._record(obtained, file)
        return files

    def _obtain(self, file: SourceFile, copies: int) -> Path:
        """Return a whole, verified file: from the local folder, from an earlier run, or downloaded now."""
        place = locate(file, self.origin)
        archive = place if isinstance(place, Path) else self.archives / file.name
        if not archive.is_file():
            if isinstance(place, Path):
                raise AurlError(f"{place}: no such file; --from must name the folder that holds {file.name}")
            download(place, archive, file.bytes, copies)
        try:
            check_kind(archive)
            self._verify(archive, file)
        except AurlError as error:
            self._discard(file, even_kept=True)
            raise AurlError(f"{archive}: {error}") from None
        return archive

    def _verify(self, archive: Path, file: SourceFile) -> None:
        """Compare size and checksum with those that a source states, or that were recorded at first download.

        Raises: AurlError if they differ.
        """
        recorded = _read_records(self.records).get(file.name)
        size = archive.stat().st_size
        if file.bytes not in (None, size):
            raise AurlError(f"it has {size} bytes, {file.bytes} are stated by {file.stated_by}; fetch it again")
        expected = file.checksum or (recorded and Checksum(**recorded["checksum"]))
        if not expected:
            return
        digest = digest_file(archive, expected.algorithm)
        if digest != expected.hex:
            raise AurlError(
                f"its {expected.algorithm} is {digest}, not {expected.hex} ({_provider(file)}); fetch it again, and if"
                f" that changes nothing, the file has changed at its source (data/sources.yaml, {self.records})"
            )

    def _record(self, archive: Path, file: SourceFile) -> None:
        """Record size and checksum of a file that proved usable, for the next time."""
        with exclusive(self.records, self.folder / ".locks"):
            records = _read_records(self.records)
            if file.name not in records:
                checksum = file.checksum or Checksum(algorithm="sha256", hex=digest_file(archive, "sha256"))
                records[file.name] = {
                    "url": str(locate(file, self.origin)),
                    "bytes": archive.stat().st_size,
                    "checksum": checksum.model_dump(),
                    "checksum_is": _provider(file),
                }
                write_json(self.records, records)

    def _assemble(self, files: list[SourceFile]) -> Path:
        """Put the unpacked archives together; returns the dataset's folder."""
        whole = self.work / "whole"
        for file in files:
            merge(self.work / "parts" / file.name, whole / file.into)
        inner = whole / self.source.target  # a top folder of the dataset's own name
        return inner if [path.name for path in whole.iterdir()] == [inner.name] and inner.is_dir() else whole

    def _discard(self, file: SourceFile, even_kept: bool = False) -> None:
        """Remove a downloaded archive; never a user's own file."""
        if even_kept or not self.keep:
            (self.archives / file.name).unlink(missing_ok=True)


def _work_folder(source: Source, folder: Path) -> Path:
    """Return the folder in which the archives of a source are unpacked and put together."""
    return folder / f".{source.target}.unpacking"


def _provider(file: SourceFile) -> str:
    """Say who states the checksum of a file."""
    return RECORDED if file.checksum is None else f"stated by {file.stated_by}"


def _read_records(records: Path) -> dict[str, Any]:
    """Read the records of earlier downloads. Raises: AurlError if they are damaged."""
    if not records.is_file():
        return {}
    try:
        entries = json.loads(records.read_text())
        return {name: entry for name, entry in entries.items() if Checksum(**entry["checksum"])}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise AurlError(f"{records}: not readable ({one_line(error, 80)}); repair or delete it") from None

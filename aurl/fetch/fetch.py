"""Fetching a dataset or the word vectors: download, verify, unpack, check, and only then put into place.

Below the folder `DIR`:

    UCF-101/                   the dataset, complete (or none)
    downloads.json             size and checksum of every file that was ever downloaded
    archives/                  archives, and parts of archives, until they are unpacked
    .UCF-101.unpacking/parts/  one folder for each archive that is unpacked, all of it
    .UCF-101.unpacking/whole/  all of them together
"""

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aurl.datasets.ingest import find_videos
from aurl.fetch.archives import Budget, check_kind, is_archive, merge, need_programs, unpack
from aurl.fetch.download import download, need_disk
from aurl.fetch.sources import Checksum, Source, SourceFile
from aurl.semantics.tokens import read_token_table
from aurl.system.errors import AurlError
from aurl.system.files import replacing, write_json
from aurl.system.locks import exclusive
from aurl.system.progress import in_bytes, transfer
from aurl.system.shipped import TOKEN_TABLE

RECORDED = "recorded at first download, not stated by the source"
SHOWN = 5  # names of classes in a message


def fetch(source: Source, folder: Path, origin: str | None = None, keep: bool = False) -> Iterator[str]:
    """Bring a source below a folder, unless it is there; yields what a user should know, line by line.

    Args:
        origin: a local folder or the address of a mirror that has the files under their own names.
        keep: leave the archives in `archives/` after unpacking.
    Raises:
        AurlError: what is there is incomplete, or a file could not be fetched, verified or unpacked. What
            is finished so far stays for the next run; nothing half-finished ever lies in the official place.
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
    shutil.rmtree(_work(source, folder), ignore_errors=True)  # of a run that was killed at its very end
    yield from check(source, present)


def check_present(source: Source, folder: Path) -> Iterator[str]:
    """`check` of what lies below a folder. Raises: AurlError if nothing is there, too."""
    present = find_present(source, folder)
    if present is None:
        raise AurlError(f"{folder / source.target}: not there; without --check, this command fetches it")
    yield from check(source, present)


def find_present(source: Source, folder: Path) -> Path | None:
    """Where the source lies below a folder, or None."""
    names = filter(None, (source.target, source.also))
    return next((folder / name for name in names if os.path.lexists(folder / name)), None)


def describe(source: Source, folder: Path, origin: str | None) -> Iterator[str]:
    """What is about to be fetched: addresses, sizes, disk, licence."""
    yield f"{source.title} ({source.page})"
    for file in source.files:
        size = "size asked from the server" if file.bytes is None else in_bytes(file.bytes)
        listed = ", a list of archives" if file.list else f" ({size})"
        yield f"  from     {locate(file, origin)}{listed}"
    yield f"  into     {folder / source.target}"
    yield f"  size     {source.size}"
    free = in_bytes(shutil.disk_usage(next(path for path in (folder, *folder.resolve().parents) if path.is_dir())).free)
    archive = "an archive" if source.files[0].list else "the archive"
    needs = "the file" if source.layout is None else f"the dataset and {archive}, which goes once it is unpacked"
    yield f"  disk     {needs}; {free} are free"
    yield f"  licence  {source.licence}"
    yield f"  note     {source.note}"


def locate(file: SourceFile, origin: str | None) -> str | Path:
    """The file's official address, or its place at a mirror (an address) or in a folder (a path)."""
    if origin is None:
        return file.url
    if origin.startswith(("http://", "https://")):
        return f"{origin.rstrip('/')}/{quote(file.name)}"
    return Path(origin) / file.name


class Fetch:
    """One fetch of a source into a folder."""

    def __init__(self, source: Source, folder: Path, origin: str | None, keep: bool) -> None:
        self.source, self.folder, self.origin, self.keep = source, folder, origin, keep
        self.work = _work(source, folder)
        self.records = folder / "downloads.json"

    def run(self) -> None:
        """Do all that is not done yet. Raises: AurlError, see `fetch`."""
        target = self.folder / self.source.target
        if os.path.lexists(target):
            return  # another process has made it while this one waited
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
                f"{error}; to begin anew, delete {self.work} and the archives' entries in {self.records};"
                f" to use it nevertheless, move it to {target}"
            ) from None
        os.rename(whole, target)
        for listed in self.source.files:
            self._discard(listed)

    def _place(self, file: SourceFile, target: Path) -> None:
        """A file that is used as it comes."""
        obtained = self._obtain(file, 1)
        with replacing(target) as (temporary,):
            if self._is_ours(obtained):
                os.rename(obtained, temporary)
            else:
                need_disk(self.folder, obtained.stat().st_size, f"copying {obtained}")
                shutil.copyfile(obtained, temporary)
        self._record(target, file)

    def _expand(self, file: SourceFile) -> list[SourceFile]:
        """The file itself, or those that an official list names. Raises: AurlError for an unusable list."""
        if not file.list:
            return [file]
        obtained = self._obtain(file, 1)
        lines = obtained.read_text(errors="replace").split()
        try:
            files = [SourceFile(url=line, into=file.into) for line in lines]
        except ValueError:
            files = []
        if not files or len({file.name for file in files}) < len(files) or not all(is_archive(f.name) for f in files):
            raise AurlError(f"{obtained}: this is no list of addresses of archives; delete it and fetch it again")
        self._record(obtained, file)
        return files

    def _obtain(self, file: SourceFile, copies: int) -> Path:
        """The file, whole and verified: from the local folder, from an earlier run, or downloaded now."""
        place = locate(file, self.origin)
        archive = place if isinstance(place, Path) else self.folder / "archives" / file.name
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
        """Compare size and checksum with what a source states, else with what was recorded at first download.

        Raises: AurlError if they differ.
        """
        known = _read_records(self.records).get(file.name)
        recorded = None if known is None else Checksum(**known["checksum"])
        expected, whose = (file.checksum, f"stated by {file.stated_by}") if file.checksum else (recorded, RECORDED)
        size = archive.stat().st_size
        if file.bytes not in (None, size):
            raise AurlError(f"it has {size} bytes, {file.bytes} are stated by {file.stated_by}; fetch it again")
        if expected is None:
            return
        found = digest_file(archive, expected.algorithm)
        if found != expected.hex:
            raise AurlError(
                f"its {expected.algorithm} is {found}, not {expected.hex} ({whose}); fetch it again, and if that"
                f" changes nothing, the file has changed at its source (data/sources.yaml, {self.records})"
            )

    def _record(self, archive: Path, file: SourceFile) -> None:
        """Write down size and checksum of a file that proved usable, for the next time."""
        with exclusive(self.records, self.folder / ".locks"):
            known = _read_records(self.records)
            if file.name not in known:
                checksum = file.checksum or Checksum(algorithm="sha256", hex=digest_file(archive, "sha256"))
                known[file.name] = {
                    "url": str(locate(file, self.origin)),
                    "bytes": archive.stat().st_size,
                    "checksum": checksum.model_dump(),
                    "checksum_is": RECORDED if file.checksum is None else f"stated by {file.stated_by}",
                }
                write_json(self.records, known)

    def _assemble(self, files: list[SourceFile]) -> Path:
        """Put the unpacked archives together; returns the dataset's folder, without a top folder of its own name."""
        whole = self.work / "whole"
        for file in files:
            merge(self.work / "parts" / file.name, whole / file.into)
        inner = whole / self.source.target
        return inner if [path.name for path in whole.iterdir()] == [inner.name] and inner.is_dir() else whole

    def _is_ours(self, path: Path) -> bool:
        return path.parent == self.folder / "archives"

    def _discard(self, file: SourceFile, even_kept: bool = False) -> None:
        """Remove a downloaded archive; never a user's own file."""
        if even_kept or not self.keep:
            (self.folder / "archives" / file.name).unlink(missing_ok=True)


def _work(source: Source, folder: Path) -> Path:
    """Where the archives of a source are unpacked, until they are whole."""
    return folder / f".{source.target}.unpacking"


def check(source: Source, path: Path) -> Iterator[str]:
    """Recognise and count what lies at a path; yields what was found.

    Raises: AurlError if anything is missing or does not belong there.
    """
    return _check_vectors(source, path) if source.layout is None else _check_videos(source, path)


def _check_videos(source: Source, path: Path) -> Iterator[str]:
    assert source.layout is not None
    videos = find_videos(path, source.layout)
    found = {video.class_name.replace("_", " ") for video in videos}
    known = set(read_token_table(TOKEN_TABLE, source.layout))
    expected = f"{source.videos or 'an unstated number of'} videos in {source.classes} classes"
    yield f"{path}: {len(videos)} videos in {len(found)} classes; expected: {expected} ({source.counts_stated_by})"
    wrong = []
    if known - found:
        wrong.append(_some("missing", known - found))
    if found - known:
        wrong.append(_some("unknown", found - known))
    if source.videos not in (None, len(videos)):
        wrong.append(f"{len(videos)} videos, not {source.videos}")
    if wrong:
        raise AurlError(f"{path}: not the complete {source.title}: {'; '.join(wrong)}; it was left as it is")
    yield f"{path}: complete"


def _some(kind: str, classes: set[str]) -> str:
    more = f" and {len(classes) - SHOWN} more" if len(classes) > SHOWN else ""
    return f"{len(classes)} {kind} classes ({', '.join(sorted(classes)[:SHOWN])}{more})"


def _check_vectors(source: Source, path: Path) -> Iterator[str]:
    assert source.vectors is not None
    file, (number, dimension) = source.files[0], source.vectors
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as handle:
            header = handle.readline(80).decode("ascii").split()
    except (OSError, EOFError, UnicodeDecodeError):
        header = []
    if header != [str(number), str(dimension)]:
        raise AurlError(f"{path}: does not begin as {number} word2vec vectors of {dimension} dimensions do")
    if not packed and path.stat().st_size < 4 * number * dimension:
        raise AurlError(f"{path}: too short for {number} vectors of {dimension} dimensions; fetch it again")
    yield f"{path}: {number} vectors of {dimension} dimensions, as announced in its first line"
    if file.checksum is None or path.stat().st_size != file.bytes:
        yield f"{path}: not the file of {file.url}; its checksum was not compared"
    elif digest_file(path, file.checksum.algorithm) != file.checksum.hex:
        raise AurlError(f"{path}: damaged: its {file.checksum.algorithm} is not the one stated by {file.stated_by}")
    else:
        yield f"{path}: complete, {file.checksum.algorithm} as stated by {file.stated_by}"


def digest_file(path: Path, algorithm: str) -> str:
    """Hex digest of a file's contents, with progress."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as handle, transfer(f"{algorithm} {path.name}", path.stat().st_size) as advance:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
            advance(len(chunk))
    return digest.hexdigest()


def _read_records(records: Path) -> dict[str, Any]:
    if not records.is_file():
        return {}
    try:
        known = json.loads(records.read_text())
        return {name: known[name] for name in known if Checksum(**known[name]["checksum"])}
    except (ValueError, TypeError, KeyError) as error:
        raise AurlError(f"{records}: not readable ({' '.join(str(error).split())[:80]}); mend or delete it") from None

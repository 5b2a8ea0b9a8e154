"""Locks that die with their process, so that a killed run never has to be unlocked by hand."""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aurl.progress import log

FOLDER = Path(".snakemake/aurl/locks")
_held: list[IO[str]] = []


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock (None in the instant before it writes its number), and since when (Unix time)."""

    pid: int | None
    since: float


@contextmanager
def exclusive(artefact: Path, folder: Path = FOLDER) -> Iterator[None]:
    """Hold the lock of an artefact; wait for another process that is making the same one.

    After a SIGKILL of Snakemake its jobs live on: a run that is started again must not write beside them.
    """
    with _open(_file(artefact, folder)) as handle:
        if not _taken(handle):
            log(f"{artefact}: process {handle.read().strip() or '?'} is making it; waiting")
            fcntl.flock(handle, fcntl.LOCK_EX)
        _sign(handle)
        yield


def maker(artefact: Path, folder: Path = FOLDER) -> Holder | None:
    """Who holds the lock of an artefact; None if nobody is making it."""
    return _holder(_file(artefact, folder))


def forget_dead_run(working_folder: Path = Path(".snakemake"), folder: Path = FOLDER) -> bool:
    """Remove the lock files of a Snakemake that no longer lives; held until this process ends.

    Returns: False where another one lives; its locks stay, and Snakemake itself refuses to start beside it.
    """
    handle = _open(folder / "run")
    if not _taken(handle):
        handle.close()
        return False
    _sign(handle)
    _held.append(handle)
    for stale in (working_folder / "locks").glob("*.lock"):
        stale.unlink(missing_ok=True)
    return True


def living_run(folder: Path = FOLDER) -> Holder | None:
    """The Snakemake that runs here; None if none does."""
    return _holder(folder / "run")


def _file(artefact: Path, folder: Path) -> Path:
    return folder / hashlib.sha256(str(artefact.resolve()).encode()).hexdigest()[:16]


def _open(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+")


def _taken(handle: IO[str]) -> bool:
    """Take a lock if it is free. More than one try: whoever asks for the holder has a free lock for an instant."""
    for _ in range(3):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.02)
    return False


def _sign(handle: IO[str]) -> None:
    handle.seek(0)
    handle.truncate()
    handle.write(f"{os.getpid()}\n")
    handle.flush()


def _holder(path: Path) -> Holder | None:
    """Ask without writing or waiting."""
    try:
        with path.open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                number = handle.read().strip()
                return Holder(int(number) if number.isdigit() else None, path.stat().st_mtime)
    except OSError:
        pass  # never taken
    return None

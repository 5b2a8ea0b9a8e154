"""Locks that die with their process, so that a killed run never has to be unlocked by hand."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from aurl.progress import log

FOLDER = Path(".snakemake/aurl/locks")
_held: list[IO[str]] = []


@contextmanager
def exclusive(artefact: Path, folder: Path = FOLDER) -> Iterator[None]:
    """Hold the lock of an artefact; wait for another process that is making the same one.

    After a SIGKILL of Snakemake its jobs live on: a run that is started again must not write beside them.
    """
    name = hashlib.sha256(str(artefact.resolve()).encode()).hexdigest()[:16]
    with _open(folder / name) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log(f"{artefact}: process {handle.read().strip() or '?'} is making it; waiting")
            fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        handle.truncate()
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield


def forget_dead_run(working_folder: Path = Path(".snakemake"), folder: Path = FOLDER) -> None:
    """Remove the lock files of a Snakemake that no longer lives; held until this process ends.

    Where another one lives, its locks stay, and Snakemake itself refuses to start beside it.
    """
    handle = _open(folder / "run")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return
    _held.append(handle)
    for stale in (working_folder / "locks").glob("*.lock"):
        stale.unlink(missing_ok=True)


def _open(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+")

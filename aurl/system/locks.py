"""Locks that die with their process, so that a killed run never has to be unlocked by hand.

They hold between the machines of a cluster where the file system's `flock` does: a job that runs elsewhere
checks that before it starts.
"""

import fcntl
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from aurl.system.errors import AurlError
from aurl.system.progress import log

FOLDER = Path(".snakemake/aurl/locks")
FAILED = "failed\n"
_held: list[IO[str]] = []


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock (None in the instant before it writes its number), since when (Unix time), where."""

    pid: int | None
    since: float
    host: str = ""

    def __str__(self) -> str:
        elsewhere = f" on {self.host}" if self.host not in ("", socket.gethostname()) else ""
        return f"process {self.pid or '?'}{elsewhere}"


@contextmanager
def exclusive(artefact: Path, folder: Path = FOLDER) -> Iterator[None]:
    """Hold the lock of an artefact; wait for another process that makes the same one.

    After a SIGKILL of Snakemake its jobs live on: a run that is started again must not write beside them. The lock's file
    keeps how the attempt ended: it is empty after success, holds the process after a kill, and "failed" after an error.
    """
    with _open(_file(artefact, folder)) as handle:
        if not _taken(handle):
            log(f"{artefact}: {_signed(handle)} is making it; waiting")
            fcntl.flock(handle, fcntl.LOCK_EX)
        _write(handle, f"{os.getpid()} {socket.gethostname()}\n")
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException:
            _write(handle, FAILED)
            raise
        _write(handle, "")


def last_attempt(artefact: Path, folder: Path = FOLDER) -> Literal["failed", "killed"] | None:
    """Say how the last attempt to make an artefact ended; None after success, or where there was none."""
    try:
        text = _file(artefact, folder).read_text()
    except OSError:
        return None
    return "failed" if text == FAILED else "killed" if text else None


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
    _write(handle, f"{os.getpid()} {socket.gethostname()}\n")
    _held.append(handle)
    for stale in (working_folder / "locks").glob("*.lock"):
        stale.unlink(missing_ok=True)
    return True


def check_run(folder: Path = FOLDER) -> None:
    """Refuse to start a job of a Snakemake that no longer lives: the next one would only repeat it.

    To be called by the job's own process, perhaps on another machine than Snakemake's.
    Raises: AurlError if nobody is seen to hold the run's lock. Where there is no such file, nothing is shared.
    """
    if (folder / "run").is_file() and living_run(folder) is None:
        raise AurlError(
            f"seen from {socket.gethostname()}, the Snakemake that submitted this job holds no lock: it has ended (start"
            " it again), or flock does not hold between machines on this file system (docs/how-to/cluster.md)"
        )


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
        except OSError as error:
            raise AurlError(
                f"{handle.name}: this file system knows no flock ({error.strerror}); mount it so that it does, or work"
                " elsewhere (docs/how-to/cluster.md)"
            ) from None
    return False


def _write(handle: IO[str], text: str) -> None:
    handle.seek(0)
    handle.truncate()
    handle.write(text)
    handle.flush()


def _signed(handle: IO[str]) -> Holder:
    number, _, host = handle.read().strip().partition(" ")
    return Holder(int(number) if number.isdigit() else None, os.fstat(handle.fileno()).st_mtime, host)


def _holder(path: Path) -> Holder | None:
    """Ask without writing or waiting."""
    try:
        with path.open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _signed(handle)
    except OSError:
        pass  # never taken
    return None

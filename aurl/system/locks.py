"""Lock artefacts and runs by `flock`: a lock ends with its process, also a killed one.

The locks work between the machines of a cluster if the file system's `flock` does; a job on another machine checks
that before it starts.
"""

import fcntl
import hashlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from aurl.system.errors import AurlError
from aurl.system.progress import log

FOLDER = Path(".snakemake/aurl/locks")
FAILED = "failed\n"
_RUN_HANDLES: list[IO[str]] = []
_INTERRUPTS: list[int] = []  # signals that this process received


@dataclass(frozen=True)
class Holder:
    """Describe the process that holds a lock (None until it has written its number), its start, its host."""

    pid: int | None
    since: float
    host: str = ""

    def __str__(self) -> str:
        elsewhere = f" on {self.host}" if self.host not in ("", socket.gethostname()) else ""
        return f"process {self.pid or '?'}{elsewhere}"


@contextmanager
def exclusive(artefact: Path, folder: Path = FOLDER) -> Iterator[None]:
    """Hold the lock of an artefact; wait for another process that makes the same one.

    The jobs of a killed Snakemake live on: the next run must not write beside them. The lock's file keeps how the
    attempt ended: it is empty after success, holds the process after a kill, and "failed" after an error.
    """
    with _open(_lock_file(artefact, folder)) as handle:
        if not _try_lock(handle):
            log(f"{artefact}: {_read_holder(handle)} is making it; waiting")
            fcntl.flock(handle, fcntl.LOCK_EX)
        _write(handle, f"{os.getpid()} {socket.gethostname()}\n")
        try:
            yield
        except BaseException as error:
            if not isinstance(error, KeyboardInterrupt) and not _INTERRUPTS:
                _write(handle, FAILED)
            raise
        _write(handle, "")


def note_interrupts() -> None:
    """Remember an interrupt of this process, whatever a library makes of it: then its jobs did not fail."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)


def _interrupted(number: int, frame: Any) -> None:
    _INTERRUPTS.append(number)
    signal.default_int_handler(number, frame)


def last_attempt(artefact: Path, folder: Path = FOLDER) -> Literal["failed", "killed"] | None:
    """Say how the last attempt to make an artefact ended; None after success, or where there was none."""
    try:
        text = _lock_file(artefact, folder).read_text()
    except OSError:
        return None
    return "failed" if text == FAILED else "killed" if text else None


def maker(artefact: Path, folder: Path = FOLDER) -> Holder | None:
    """Return the holder of an artefact's lock; None if nobody is making it."""
    return _holder(_lock_file(artefact, folder))


def forget_dead_run(working_folder: Path = Path(".snakemake"), folder: Path = FOLDER) -> bool:
    """Remove the lock files of a dead Snakemake, and hold the run's lock until this process ends.

    Returns: False if another Snakemake lives; its locks stay, and Snakemake itself refuses to start beside it.
    """
    handle = _open(folder / "run")
    if not _try_lock(handle):
        handle.close()
        return False
    _write(handle, f"{os.getpid()} {socket.gethostname()}\n")
    _RUN_HANDLES.append(handle)
    for stale in (working_folder / "locks").glob("*.lock"):
        stale.unlink(missing_ok=True)
    return True


def check_run(folder: Path = FOLDER) -> None:
    """Refuse to start a job of a dead Snakemake: the next run would only repeat it.

    The job's own process calls this, perhaps on another machine than Snakemake's.
    Raises: AurlError if nobody holds the run's lock. Without a lock file nothing is shared, and nothing is checked.
    """
    if (folder / "run").is_file() and living_run(folder) is None:
        raise AurlError(
            f"seen from {socket.gethostname()}, the Snakemake that submitted this job holds no lock: it has ended (start"
            " it again), or flock does not hold between machines on this file system (docs/how-to/cluster.md)"
        )


def living_run(folder: Path = FOLDER) -> Holder | None:
    """Return the Snakemake that runs here; None if none does."""
    return _holder(folder / "run")


def _lock_file(artefact: Path, folder: Path) -> Path:
    return folder / hashlib.sha256(str(artefact.resolve()).encode()).hexdigest()[:16]


def _open(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+")


def _try_lock(handle: IO[str]) -> bool:
    """Take a lock if it is free. It tries three times: `_holder` takes a free lock for an instant."""
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


def _read_holder(handle: IO[str]) -> Holder:
    number, _, host = handle.read().strip().partition(" ")
    return Holder(int(number) if number.isdigit() else None, os.fstat(handle.fileno()).st_mtime, host)


def _holder(path: Path) -> Holder | None:
    """Return the holder of a lock, without writing or waiting."""
    try:
        with path.open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read_holder(handle)
    except OSError:
        pass  # never taken
    return None

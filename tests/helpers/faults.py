"""Making faults: kills at chosen moments, full and read-only file systems, damaged files, a network that breaks off."""

import contextlib
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from repositories import environment_of
from runs import digests

from aurl.system.files import digest
from aurl.system.json_files import write_json

RULE = re.compile(r"(?:local)?rule (\w+):")
FINISHED = re.compile(r"Finished jobid: \d+ \(Rule: (\w+)\)")
EXEMPT = ("report.html", "damaged/", "resume/")


def results(folder: Path) -> dict[str, str]:
    """Digest of every result that does not tell times."""
    found = digests(folder / "results/micro")
    return {name: value for name, value in found.items() if not name.startswith(EXEMPT)}


def finished(folder: Path) -> dict[str, str]:
    """Output -> SHA-256, of every job whose block tells what lies there and that Snakemake saw to its end."""
    found = {}
    for block in (folder / "results/micro/provenance").rglob("*.json"):
        marker = urlsafe_b64encode(str(block.relative_to(folder)).encode()).decode()
        if (folder / ".snakemake/incomplete" / marker).exists():
            continue
        with contextlib.suppress(ValueError):
            found |= json.loads(block.read_text())["outputs"]
    return {path: told for path, told in found.items() if (folder / path).exists() and digest(folder / path) == told}


def still(folder: Path, before: dict[str, str]) -> dict[str, str]:
    """The digests now of what was finished before; empty for what is missing."""
    return {path: digest(folder / path) if (folder / path).exists() else "" for path in before}


def flip(path: Path, keep_time: bool = False) -> None:
    """Change one byte in the middle of a file, its time of change put back if wanted."""
    times, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(times.st_mode)  # DVC takes a write-protected object of its cache for whole
    if keep_time:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@dataclass
class Started:
    """A Snakemake in a process group of its own, and which of its rules run."""

    process: "subprocess.Popen[str]"
    running: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def wait_for(self, rule: str) -> bool:
        """Whether a job of the rule began before the run ended."""
        while line := self._line():
            if (began := RULE.match(line)) and began[1] == rule:
                return True
        return False

    def wait(self, seconds: float) -> None:
        """Read on for so long."""
        until = time.monotonic() + seconds
        assert self.process.stderr is not None
        while (left := until - time.monotonic()) > 0 and self.process.poll() is None:
            if select.select([self.process.stderr], [], [], min(left, 0.05))[0]:
                self._line()

    def end(self) -> int:
        """Read to the end; the exit status."""
        while self._line():
            pass
        return self.process.wait()

    def _line(self) -> str:
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        self.text.append(line)
        if began := RULE.match(line):
            self.running.append(began[1])
        elif (ended := FINISHED.match(line)) and ended[1] in self.running:
            self.running.remove(ended[1])
        return line


def start(folder: Path, *arguments: str) -> Started:
    """Start Snakemake."""
    return Started(subprocess.Popen(
        ["snakemake", "--printshellcmds", *arguments], cwd=folder, env=environment_of(folder), stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, bufsize=1, start_new_session=True,
    ))  # fmt: skip


def workers_of(pid: int) -> list[int]:
    """The processes of `aurl` commands below a process.

    These are the commands themselves, workers that they started, and jobs of the job server, but not the server.
    """
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            number, _, rest = status.read_text().partition(" (")
            parents.setdefault(int(rest.rpartition(") ")[2].split()[1]), []).append(int(number))
    found, todo = [], [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            todo.append(child)
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                if any(word.endswith(b"/aurl") for word in words[:2]):
                    found.append(child)
    return sorted(found)


def forget(folder: Path, rules: list[str]) -> None:
    """Delete what rules made, and its provenance blocks, so that they run again."""
    for block in (folder / "results/micro/provenance").rglob("*.json"):
        with contextlib.suppress(ValueError):
            told = json.loads(block.read_text())
            if told["identity"]["stage"] in rules:
                for path in (folder / name for name in told["outputs"]):
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                block.unlink()


def kill(folder: Path, rule: str, kind: str, draw: random.Random, *arguments: str) -> str:
    """Start Snakemake, and SIGKILL something of it at a random moment after a job of a rule began.

    Args:
        kind: `worker` (one process of an `aurl` command), `snakemake` (its jobs live on) or `group` (all at once).
    Returns: what was running; empty if the rule never ran (a job that outlived an earlier kill had ended meanwhile).
    Raises: AssertionError if the rule never ran and the run failed.
    """
    begun = start(folder, *arguments)
    if not begun.wait_for(rule):
        assert begun.end() == 0, "".join(begun.text[-40:])
        return ""
    begun.wait(draw.uniform(0.0, 3.0))
    running = "+".join(sorted(set(begun.running))) or "between jobs"
    if kind == "group":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(begun.process.pid, signal.SIGKILL)
    elif kind == "snakemake":
        begun.process.kill()
    else:
        for _ in range(40):
            if workers := workers_of(begun.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(draw.choice(workers), signal.SIGKILL)
                break
            time.sleep(0.05)
    if kind == "worker":
        begun.end()  # what does not wait for the killed job goes on
    else:
        begun.process.wait()
    assert begun.process.stderr is not None
    begun.process.stderr.close()
    return running


@contextlib.contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """Mount something on a folder; skips the test where that is not allowed."""
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting a file system needs root: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def small_disk(folder: Path, room: int) -> Iterator[Path]:
    """A file system of its own under a folder, with its contents and `room` bytes; yields a file that fills it up.

    Its contents are copied back in the end.
    """
    aside = folder.with_name(f"{folder.name}.aside")
    folder.rename(aside)
    folder.mkdir()
    used = sum(4096 * (1 + path.stat().st_size // 4096) for path in aside.rglob("*"))
    with mounted(folder, "-t", "tmpfs", "-o", f"size={used + room + (64 << 20)}", "tmpfs"):
        shutil.copytree(aside, folder, dirs_exist_ok=True, symlinks=True)
        free = os.statvfs(folder)
        filler = folder / "fill"
        filler.write_bytes(bytes(free.f_bavail * free.f_frsize - room))
        shutil.rmtree(aside)
        yield filler
        filler.unlink(missing_ok=True)
        shutil.copytree(folder, aside, symlinks=True)
    folder.rmdir()
    aside.rename(folder)


class BreakingProxy:
    """A TCP proxy on loopback that breaks every connection off, and takes no more, once so many bytes went through."""

    def __init__(self, port: int) -> None:
        self._target, self._left, self._lock = ("127.0.0.1", port), 0, threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.broken = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def allow(self, number: int) -> None:
        """Let so many bytes through from now on."""
        with self._lock:
            self._left = number

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(self._target) as server:
            while True:
                for end in select.select([client, server], [], [])[0]:
                    content = end.recv(65536)
                    with self._lock:
                        self._left -= len(content)
                        empty = self._left <= 0
                        self.broken += empty
                    if empty or not content:
                        return
                    (server if end is client else client).sendall(content)


class Figures:
    """What the tests of a fault measured, for the file that `AURL_FAULTS` names (`make test-faults` sets it)."""

    def __init__(self) -> None:
        self._file = os.environ.get("AURL_FAULTS")

    def add(self, fault: str, runs: int, outcome: str, seconds: float, **more: object) -> None:
        """Put a fault's figures into the file; what it holds of other faults stays."""
        print(f"{fault}: {runs} runs, {outcome}, {seconds:.1f} s")
        if self._file is None:
            return
        path = Path(self._file)
        known = json.loads(path.read_text()) if path.is_file() else {}
        known[fault] = {"runs": runs, "outcome": outcome, "seconds": round(seconds, 1), **more}
        write_json(path, known)

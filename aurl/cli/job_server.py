"""Serve the jobs of one run: import once what they need, and fork a process for each.

Snakemake starts an `aurl` command for each job, and most of a short job is `import torch`. A run on this machine starts
this server (`aurl/operate/start_server.py`); the commands hand themselves over (`handed_over.py`). A job is a process
of its own, with the arguments, folder, environment and open files of its command. The server

- ends when Snakemake does, also after SIGKILL: its standard input is a pipe that Snakemake holds. Jobs that run then
  end first. If the server is killed, its jobs are;
- kills a job whose command was killed, and passes on the signals that the command gets;
- refuses a command whose environment is another than its own, or that comes after a change of code. It then runs in a
  process of its own;
- starts no thread, computes nothing, and touches no GPU, so that a fork is like a new process.
"""

import atexit
import ctypes
import importlib
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from aurl.cli.handed_over import ACCEPTED, FORWARDED, ORIGIN, STATUS_BYTES
from aurl.lineage import blocks
from aurl.pipeline.run import load_stage
from aurl.pipeline.stages import STAGES
from aurl.system.plugins import PACKAGE
from aurl.system.processes import JOB_SERVER, end_with_parent

PRELOADED = ("aurl.cli.group", "aurl.lineage.recorded")
OF_OPTIMIZERS = "torch._dynamo"  # torch imports it with the first optimiser: 1.2 s of CPU time
OPTIMIZING = ("train", "fit")  # stages
OF_A_SHELL = ("PWD", "OLDPWD", "SHLVL", "_", "TMPDIR", "TMP", "TEMP", "TEMPDIR")  # nothing reads these when imported


@dataclass(frozen=True)
class Request:
    """Hold what a command says of itself (`handed_over.py`)."""

    origin: tuple[str, str]
    folder: str
    started: float
    arguments: list[str]
    environment: dict[str, str]


class JobServer:
    """Fork a process for each command that comes, and tell the command how it ended."""

    def __init__(self, address: Path) -> None:
        os.close(os.pidfd_open(os.getpid()))  # an old kernel without it ends this server here; jobs need none
        self.code, self.environment = code_state(), _compared(os.environ)
        self.selector = selectors.DefaultSelector()
        self.running: dict[socket.socket, SimpleNamespace] = {}  # command -> its job: pid, ended (a pidfd)
        self.address = address

    def serve(self, stages: Sequence[str]) -> None:
        """Import the code of stages, take commands until standard input ends, and wait for the jobs that run."""
        for name in PRELOADED:
            importlib.import_module(name)
        for stage in stages:
            load_stage(STAGES[stage])
        if any(stage in OPTIMIZING for stage in stages):
            importlib.import_module(OF_OPTIMIZERS)
        self.listener = socket.socket(socket.AF_UNIX)
        unfinished = self.address.with_suffix(".new")
        self.listener.bind(str(unfinished))
        unfinished.chmod(0o600)
        self.listener.listen(64)
        unfinished.rename(self.address)
        self.selector.register(self.listener, selectors.EVENT_READ, self._connected)
        self.selector.register(0, selectors.EVENT_READ, self._stop)
        while self.listener.fileno() >= 0 or self.running:
            for key, _ in self.selector.select():
                if self.selector.get_map().get(key.fd) is key:  # an event before this one may have closed it
                    key.data(key.fileobj)

    def _stop(self, pipe: int) -> None:
        """Take no more commands: Snakemake has ended."""
        self.selector.unregister(pipe)
        self.selector.unregister(self.listener)
        self.listener.close()
        self.address.unlink(missing_ok=True)
        with suppress(OSError):
            self.address.parent.rmdir()

    def _connected(self, listener: socket.socket) -> None:
        self.selector.register(listener.accept()[0], selectors.EVENT_READ, self._heard)

    def _heard(self, command: socket.socket) -> None:
        """Take what a command sends: itself with its open files, then numbers of signals; nothing if it has died."""
        try:
            sent, files, _, _ = socket.recv_fds(command, 64, 4)
        except OSError:
            sent, files = b"", []
        job = self.running.get(command)
        if job is not None:
            for number in sent or [signal.SIGKILL]:
                signal.pidfd_send_signal(job.ended, number)
            if not sent:
                self.selector.unregister(command)
        elif len(files) == 4:
            self._take(command, files)
            for number in sent[1:] if command in self.running else b"":
                signal.pidfd_send_signal(self.running[command].ended, number)
        else:
            for file in files:
                os.close(file)
            self._forget(command)

    def _take(self, command: socket.socket, files: list[int]) -> None:
        """Start the job of a command, or refuse it."""
        request = _request(files[3])
        server, pid = os.getpid(), _fork() if request is not None and self._serves(request) else None
        if pid == 0 and request is not None:
            try:
                self._become(request, files[:3], server)
            except BaseException:
                traceback.print_exc()
            finally:  # whatever happens, this process is no second server
                os._exit(1)
        for number in files[:3]:
            os.close(number)
        if pid is None:
            self._forget(command)
            return
        ended = os.pidfd_open(pid)
        self.running[command] = SimpleNamespace(pid=pid, ended=ended)
        self.selector.register(ended, selectors.EVENT_READ, lambda _: self._ended(command))
        with suppress(OSError):  # the command was killed meanwhile; the next event tells
            command.sendall(ACCEPTED)

    def _serves(self, request: Request) -> bool:
        """Say whether a fork of this process is what the command would be."""
        here = (ORIGIN, self.environment, self.code)
        return (request.origin, _compared(request.environment), code_state()) == here

    def _ended(self, command: socket.socket) -> None:
        """Tell a command how its job ended."""
        job = self.running.pop(command)
        status = os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1])
        self.selector.unregister(job.ended)
        os.close(job.ended)
        with suppress(OSError):  # the command was killed
            command.sendall(status.to_bytes(STATUS_BYTES, "big", signed=True))
        self._forget(command)

    def _forget(self, command: socket.socket) -> None:
        if command in self.selector.get_map():
            self.selector.unregister(command)
        command.close()

    def _become(self, request: Request, files: list[int], server: int) -> NoReturn:
        """Be the process of a job: do in this new process what the command itself would have done."""
        end_with_parent()
        if os.getppid() != server:  # it died before the line above
            os.kill(os.getpid(), signal.SIGKILL)
        os.setpgid(0, 0)  # Ctrl-C reaches the command, which passes it on once
        for number in FORWARDED:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for key in list(self.selector.get_map().values()):
            if key.fileobj != 0:
                os.close(key.fd)
        self.selector.close()
        for target, opened in enumerate(files):
            os.dup2(opened, target)
            os.close(opened)
        os.environ.clear()
        os.environ.update(request.environment)
        os.chdir(request.folder)
        _be_script(request.arguments)
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=stream is sys.stderr or stream.isatty())  # type: ignore[union-attr]
        blocks.PROCESS_STARTED, blocks.FORKED = request.started, True
        os._exit(_status_of_command())


def _be_script(arguments: list[str]) -> None:
    """Let this process look as if Python had started the script `arguments[0]` (click and multiprocessing ask)."""
    sys.argv[:] = arguments
    sys.path.insert(0, os.path.dirname(os.path.realpath(arguments[0])))
    script = sys.modules["__main__"]
    script.__file__, script.__spec__, script.__package__ = arguments[0], None, None
    _show_command(arguments)


def _show_command(arguments: Sequence[str]) -> None:
    """Let `ps` and /proc/self/cmdline show a job's command, as far as it fits, in place of the server's."""
    fields = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()
    start, end = map(int, fields[45:47])  # addresses: arg_start and arg_end of proc_pid_stat(5), which counts from 1
    if start:  # 0 where the system hides them
        text = "\0".join(arguments).encode(errors="surrogateescape")[: end - start - 1]
        ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)


def code_state() -> dict[str, tuple[int, int, int]]:
    """Return size, time and number of every file of the package's code, and those of the folders of installed packages.

    A command that comes after a change must read the changed code, and name it in its provenance block. The answer is
    empty while a file is being replaced.
    """
    installed = [Path(path) for path in sys.path if path.endswith("-packages")]
    try:
        stats = {str(path): path.stat() for path in (*PACKAGE.rglob("*.py"), *filter(Path.is_dir, installed))}
    except OSError:
        return {}
    return {path: (stat.st_size, stat.st_mtime_ns, stat.st_ino) for path, stat in stats.items()}


def _request(file: int) -> Request | None:
    """Read what a command says of itself; None where it is another version's."""
    with open(file, "rb") as described:
        described.seek(0)
        prefix, _, rest = described.read().partition(b"\0")
    try:
        package, folder, started, number, *words = map(os.fsdecode, rest.split(b"\0"))
        environment = dict(word.split("=", 1) for word in words[int(number) :])
        return Request((os.fsdecode(prefix), package), folder, float(started), words[: int(number)], environment)
    except ValueError:
        return None


def _fork() -> int | None:
    """Fork; returns None where the system has no room for another process."""
    try:
        return os.fork()
    except OSError:
        return None


def _compared(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in (*OF_A_SHELL, JOB_SERVER)}


def _status_of_command() -> int:
    """Run the command of `sys.argv` to its end, as Python ends; return its exit status.

    Unlike Python's own end this takes no module apart: that would copy the memory that all jobs share.
    """
    status: Any = 0
    try:
        importlib.import_module("aurl.cli.group").main()
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    if isinstance(status, str):
        print(status, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    return status if isinstance(status, int) else int(status is not None)


if __name__ == "__main__":
    for soft in FORWARDED:
        signal.signal(soft, signal.SIG_IGN)
    JobServer(Path(sys.argv[1])).serve([name for name in sys.argv[2:] if name in STAGES])

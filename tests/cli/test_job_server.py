"""The job server: a served command behaves as one in a process of its own, under signals, kills and crashes, too."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from repositories import REPOSITORY

from aurl.operate.start_server import ROOM, SERVED_THREADS, THREADS, start_server
from aurl.system.processes import JOB_SERVER

AURL = str(Path(sys.executable).with_name("aurl"))
ENVIRONMENT = {**os.environ, **dict.fromkeys(THREADS, str(SERVED_THREADS))}
SECONDS = 60


def heed_signals() -> None:
    """Undo what a parent such as `nohup` does: its children ignore some signals."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Server:
    """A job server, and commands that hand themselves over to it."""

    def __init__(self, folder: Path, *stages: str, code: Path = REPOSITORY) -> None:
        self.address, self.folder = folder / "jobs", folder
        self.environment = {**ENVIRONMENT, "PYTHONPATH": str(code)}
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "aurl.cli.job_server", str(self.address), *stages, ROOM],
            stdin=subprocess.PIPE, stdout=self.log, stderr=self.log, env=self.environment, cwd=folder,
            preexec_fn=heed_signals,
        )  # fmt: skip
        wait_until(self.address.exists)

    def start(self, *arguments: str, **more: str) -> "subprocess.Popen[str]":
        """Start a command of the run; `more` goes into its environment."""
        return subprocess.Popen(
            [AURL, *arguments], cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**self.environment, JOB_SERVER: str(self.address), **more}, preexec_fn=heed_signals,
        )  # fmt: skip

    def waiting(self) -> tuple["subprocess.Popen[str]", int]:
        """Start a job that waits for its parameters; returns its command, and its process, a child of the server."""
        fifo = self.folder / "fifo.yaml"
        if not fifo.exists():
            os.mkfifo(fifo)
        before = set(self.children())
        command = self.start("--params", "fifo.yaml", "collect")
        wait_until(lambda: set(self.children()) - before)
        (job,) = set(self.children()) - before
        wait_until(lambda: os.getpgid(job) == job and "S (sleeping)" in read(job, "status"))
        time.sleep(0.2)  # it may sleep once before it waits for its parameters
        return command, job

    def children(self) -> list[int]:
        """The processes of the jobs that run."""
        return [int(number) for number in read(self.process.pid, f"task/{self.process.pid}/children").split()]

    def end(self) -> int:
        """Close the pipe, as Snakemake's end does; returns the exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(SECONDS)


def read(pid: int, name: str) -> str:
    """What the kernel tells of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""


def wait_until(condition: object) -> None:
    """Wait for something that must come true soon."""
    until = time.monotonic() + SECONDS
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.01)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or dead and not yet waited for."""
    return "State:\tZ" in (status := read(pid, "status")) or not status


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server without torch."""
    served = Server(tmp_path, "collect")
    yield served
    with contextlib.suppress(ProcessLookupError):
        served.process.kill()
    served.process.wait()


@pytest.mark.parametrize("arguments", [
    ("--version",),
    ("no-such-command",),
    ("--params", "nowhere.yaml", "collect"),
    ("collect", "--no-such-option"),
])  # fmt: skip
def test_a_served_command_says_and_returns_what_it_does_alone(server: Server, arguments: tuple[str, ...]) -> None:
    alone, served = (server.start(*arguments, **more) for more in ({JOB_SERVER: "none"}, {}))
    said = [(*each.communicate(timeout=SECONDS), each.returncode) for each in (alone, served)]
    assert said[0] == said[1]
    assert any(said[0][:2])


def test_a_job_is_a_process_of_its_own_with_the_commands_arguments_and_files(server: Server) -> None:
    command, job = server.waiting()
    assert os.path.samefile(f"/proc/{job}/cwd", server.folder)
    assert [os.readlink(f"/proc/{job}/fd/{n}") for n in (1, 2)] == [
        os.readlink(f"/proc/{command.pid}/fd/{n}") for n in (1, 2)
    ]
    assert read(job, "cmdline").rstrip("\0").split("\0") == [AURL, "--params", "fifo.yaml", "collect"], "for ps"
    (server.folder / "fifo.yaml").write_text("experiment: [\n")
    said = command.communicate(timeout=SECONDS)[1]
    assert command.returncode == 1
    assert "fifo.yaml" in said


def test_a_job_of_a_killed_command_is_killed(server: Server) -> None:
    command, job = server.waiting()
    command.kill()
    wait_until(lambda: has_ended(job))
    assert server.start("--version").wait(SECONDS) == 0


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        (signal.SIGINT, 1, "aurl: interrupted"),
        (signal.SIGTERM, -signal.SIGTERM, ""),
        (signal.SIGHUP, -signal.SIGHUP, ""),
    ],
)
def test_signals_reach_the_job(server: Server, number: int, status: int, words: str) -> None:
    command, job = server.waiting()
    command.send_signal(number)
    assert words in command.communicate(timeout=SECONDS)[1]
    assert command.returncode == status
    assert has_ended(job)


def test_a_crash_of_one_job_harms_no_other(server: Server) -> None:
    (crashed, first), (command, second) = server.waiting(), server.waiting()
    os.kill(first, signal.SIGSEGV)
    assert crashed.wait(SECONDS) == -signal.SIGSEGV
    assert not has_ended(second)
    assert server.start("--version").wait(SECONDS) == 0
    (server.folder / "fifo.yaml").write_text("{}")
    assert command.wait(SECONDS) == 1


def test_jobs_of_a_killed_server_are_killed(server: Server) -> None:
    command, job = server.waiting()
    server.process.kill()
    assert command.wait(SECONDS) == -signal.SIGKILL
    wait_until(lambda: has_ended(job))
    assert server.start("--version").wait(SECONDS) == 0, "a socket without its server is harmless"


def test_the_server_ends_with_snakemake_after_the_jobs_that_run(server: Server) -> None:
    command, _ = server.waiting()
    assert server.process.stdin is not None
    server.process.stdin.close()
    wait_until(lambda: not server.address.exists())
    assert server.process.poll() is None
    (server.folder / "fifo.yaml").write_text("{}")
    assert command.wait(SECONDS) == 1
    assert server.process.wait(SECONDS) == 0
    assert (server.folder / "log").read_bytes() == b""


def test_ctrl_c_does_not_end_the_server(server: Server) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        server.process.send_signal(number)
    assert server.start("--version").wait(SECONDS) == 0
    assert server.end() == 0


def test_a_command_with_another_environment_runs_in_its_own_process(server: Server) -> None:
    """Libraries read variables when they are imported: the server's are not this job's."""
    os.mkfifo(server.folder / "fifo.yaml")
    command = server.start("--params", "fifo.yaml", "collect", OMP_NUM_THREADS="2")
    (server.folder / "fifo.yaml").write_text("{}")
    assert not server.children()
    assert command.wait(SECONDS) == 1


def test_a_request_that_is_none_is_refused_and_harms_nobody(server: Server) -> None:
    with socket.socket(socket.AF_UNIX) as other, open(os.devnull, "rb") as empty:
        other.connect(str(server.address))
        socket.send_fds(other, [b"+"], [0, 1, 2, empty.fileno()])
        assert other.recv(1) == b""
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(str(server.address))
        other.sendall(b"no files")
        assert other.recv(1) == b""
    assert server.start("--version").wait(SECONDS) == 0
    assert server.end() == 0


def test_a_change_of_code_is_read_by_the_next_command(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "aurl", tmp_path / "copy/aurl", ignore=shutil.ignore_patterns("__pycache__"))
    server = Server(tmp_path, "collect", code=tmp_path / "copy")
    group = tmp_path / "copy/aurl/cli/group.py"
    group.write_text(group.read_text().replace("looks after the\n", "minds the\n"))
    said = server.start("--help").communicate(timeout=SECONDS)[0]
    assert "minds the" in said
    assert server.end() == 0


def test_the_server_has_no_thread_and_no_gpu_open_when_it_forks(tmp_path: Path) -> None:
    """A child of several threads, or of a process with a GPU's context, may hang or fail."""
    server = Server(tmp_path, "train", "features", "evaluate", "frames")
    assert "torch/lib" in read(server.process.pid, "maps")
    assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) == 1
    opened = [os.readlink(path) for path in Path(f"/proc/{server.process.pid}/fd").iterdir()]
    assert not [path for path in opened if "nvidia" in path]
    assert server.end() == 0


def test_a_run_of_single_jobs_starts_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JOB_SERVER, raising=False)
    start_server(["train", "tables", "all", "all"])
    assert JOB_SERVER not in os.environ


def test_only_its_owner_can_reach_the_server(tmp_path: Path) -> None:
    script = f"""
import os, stat, time
from pathlib import Path
from aurl.operate.start_server import start_server
start_server(["collect", "collect"])
address = Path(os.environ["{JOB_SERVER}"])
while not address.exists() or stat.S_IMODE(address.stat().st_mode) != 0o600:
    time.sleep(0.01)
print(oct(stat.S_IMODE(address.parent.stat().st_mode)), address)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS)
    mode, address = done.stdout.split()
    assert mode == "0o700", done.stderr
    assert not Path(address).parent.exists(), "it ends with the process that started it"


def test_a_command_that_waits_to_be_served_imports_little() -> None:
    """Forty-eight of them start in a run of `micro`."""
    script = "import sys; before = {*sys.modules}; import aurl.cli.handed_over; print(*({*sys.modules} - before))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "aurl.cli.handed_over" in loaded
    assert not {"click", "pydantic", "typing", "json", "numpy", "pathlib"} & set(loaded)

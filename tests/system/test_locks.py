"""Locks die with their process, and keep how an attempt ended."""

import errno
import fcntl
import multiprocessing
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aurl.system.errors import AurlError
from aurl.system.locks import Holder, check_run, exclusive, forget_dead_run, last_attempt


def hold(artefact: Path, folder: Path, ready: Path, seconds: float) -> None:
    with exclusive(artefact, folder):
        ready.touch()
        time.sleep(seconds)


def test_a_second_maker_waits_and_a_killed_one_leaves_no_lock(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = multiprocessing.get_context("spawn")
    for seconds, kill in ((1.5, False), (600.0, True)):
        ready = tmp_path / f"ready{kill}"
        other = context.Process(target=hold, args=(tmp_path / "x", tmp_path / "locks", ready, seconds))
        other.start()
        while not ready.exists():
            time.sleep(0.01)
        if kill:
            other.kill()
        with exclusive(tmp_path / "x", tmp_path / "locks"):
            assert not other.is_alive() or other.join(5) is None
        other.join()
    assert "waiting" in capsys.readouterr().err


def test_locks_of_a_dead_run_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "0.input.lock").touch()
    forget_dead_run(tmp_path, tmp_path / "own")
    assert not list((tmp_path / "locks").iterdir())
    (tmp_path / "locks" / "0.input.lock").touch()
    script = (
        "import sys; from pathlib import Path; from aurl.system.locks import forget_dead_run;"
        "forget_dead_run(Path(sys.argv[1]), Path(sys.argv[1]) / 'own')"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    assert len(list((tmp_path / "locks").iterdir())) == 1, "this process lives and holds the run"


def test_a_job_on_a_cluster_checks_that_its_run_lives(tmp_path: Path) -> None:
    check_run(tmp_path)  # nothing is shared here
    other = tmp_path / "other"
    script = (
        "import sys; from pathlib import Path; from aurl.system.locks import forget_dead_run;"
        "forget_dead_run(*map(Path, sys.argv[1:]))"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path), str(other)], check=True)
    with pytest.raises(AurlError, match="has ended .start it again., or flock does not hold between machines"):
        check_run(other)
    forget_dead_run(tmp_path, other)
    check_run(other)


def test_a_file_system_without_flock_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refused)
    with (
        pytest.raises(AurlError, match="knows no flock .Function not implemented.; mount it so"),
        exclusive(tmp_path / "x", tmp_path),
    ):
        pass


def test_a_holder_on_another_machine_is_named() -> None:
    assert str(Holder(7, 0.0, "node7")) == "process 7 on node7"
    assert str(Holder(7, 0.0, socket.gethostname())) == "process 7"
    assert str(Holder(None, 0.0)) == "process ?"


def test_the_lock_keeps_how_the_last_attempt_ended(tmp_path: Path) -> None:
    artefact, folder = tmp_path / "x", tmp_path / "locks"
    assert last_attempt(artefact, folder) is None
    with pytest.raises(ValueError, match="no"), exclusive(artefact, folder):
        raise ValueError("no")
    assert last_attempt(artefact, folder) == "failed"
    with exclusive(artefact, folder):
        assert last_attempt(artefact, folder) == "killed", "what a kill at this moment leaves"
    assert last_attempt(artefact, folder) is None
    with pytest.raises(KeyboardInterrupt), exclusive(artefact, folder):
        raise KeyboardInterrupt
    assert last_attempt(artefact, folder) == "killed"


INTERRUPTED = """
import os, signal, sys
from pathlib import Path
from aurl.system.locks import exclusive, note_interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)
note_interrupts()
with exclusive(Path(sys.argv[1]), Path(sys.argv[2])):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        raise ValueError("a library made something else of it") from None
"""


def test_an_interrupted_attempt_did_not_fail(tmp_path: Path) -> None:
    script = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "x"), str(tmp_path / "locks")]
    done = subprocess.run(script, capture_output=True, text=True)
    assert "ValueError" in done.stderr
    assert last_attempt(tmp_path / "x", tmp_path / "locks") == "killed", "so the status is interrupted"
    with pytest.raises(ValueError, match="x"), exclusive(tmp_path / "y", tmp_path / "locks"):
        raise ValueError("x")
    assert last_attempt(tmp_path / "y", tmp_path / "locks") == "failed"

"""Fixtures: the corpus of video files, and a copy of the repository in which the micro experiment has run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import media
import pytest
from filelock import FileLock

REPOSITORY = Path(__file__).resolve().parents[1]
REALVIDEO = Path(os.environ.get("AURL_REALVIDEO", REPOSITORY.parent / "shared" / "realvideo")).resolve()
Runner = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workflow tests first: while one of xdist's workers runs micro for them, the other has short tests to do."""
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One media file of each kind."""
    return media.corpus(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
def realvideo() -> Path:
    """The folder of real clips."""
    if not (REALVIDEO / "UCF-101").is_dir():
        pytest.skip(f"no real clips: {REALVIDEO} has no UCF-101 folder; set AURL_REALVIDEO (docs/datasets.md)")
    return REALVIDEO


def copy_repository(target: Path) -> Path:
    """Copy what git tracks or would track, as a repository of its own with one commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target / name)
    (target / "dvc.lock").unlink(missing_ok=True)
    shutil.copy(REPOSITORY / "presets" / "mini.yaml", target / "params.yaml")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "copy"]):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *identity, *command], cwd=target, check=True)
    return target


def environment_of(folder: Path) -> dict[str, str]:
    """The environment in which a copy of the repository runs its own code."""
    return {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AURL_REALVIDEO": str(REALVIDEO),
    }


def runner(folder: Path) -> Runner:
    """A function that runs a command in a copy of the repository, with that copy's code."""
    environment = environment_of(folder)

    def run(*command: str, ok: bool = True) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=550)
        if ok:
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done

    return run


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A fresh copy of the repository, with experiment micro chosen."""
    folder = copy_repository(tmp_path / "repository")
    runner(folder)("aurl", "use", "micro")
    return folder


@pytest.fixture(scope="session")
def finished_micro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which `micro` has run to its tables and was recorded; do not change it.

    pytest-xdist's workers share it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, complete = shared / "finished/repository", shared / "finished/complete"
    with FileLock(shared / "finished.lock"):
        if not complete.exists():
            run = runner(copy_repository(folder))
            run("aurl", "use", "micro")
            run("snakemake")
            run("aurl", "record")
            complete.touch()
    return folder


@pytest.fixture
def micro(finished_micro: Path, tmp_path: Path) -> Path:
    """A copy of the finished micro experiment that a test may change."""
    folder = tmp_path / "micro"
    shutil.copytree(finished_micro, folder, symlinks=True)
    return folder

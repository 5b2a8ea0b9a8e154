"""Fixtures: the corpus of video files, and a copy of the repository in which the micro experiment has run."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import media
import pytest
from filelock import FileLock
from repositories import CREDENTIALS, REALVIDEO, copy_finished, copy_repository, runner


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a finished micro, and those that `make test` leaves to `make test-slow`.

    Workflow tests come first: while one of xdist's workers runs micro for them, the other has short tests to do.
    """
    for item in items:
        if "finished_micro" in getattr(item, "fixturenames", ()):
            item.add_marker("workflow")
        if item.get_closest_marker("workflow") and not item.get_closest_marker("end_to_end"):
            item.add_marker("slow")
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


@pytest.fixture(scope="session")
def micro_bundle(finished_micro: Path) -> Path:
    """The bundle of the finished micro experiment, with features; do not change it."""
    bundle = finished_micro.parent / "micro.crate.zip"
    with FileLock(finished_micro.parent.parent / "bundle.lock"):
        if not bundle.exists():
            runner(finished_micro)("aurl", "bundle", "-o", str(bundle))
    return bundle


@pytest.fixture
def micro(finished_micro: Path, tmp_path: Path) -> Path:
    """A copy of the finished micro experiment that a test may change."""
    return copy_finished(finished_micro, tmp_path / "micro")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a running S3 API with a bucket `results`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(address, timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        urllib.request.urlopen(urllib.request.Request(f"{address}/results", method="PUT"), timeout=5).close()
        yield address
    finally:
        server.kill()
        server.wait()

"""Remotes: an S3 API on loopback (moto's server), with credentials from the environment only."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import runner
from test_pipeline import digests, edit, planned

pytestmark = pytest.mark.workflow
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


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


def test_s3_keeps_a_recorded_experiment(micro: Path, tmp_path: Path, s3: str) -> None:
    run = runner(micro)
    run("dvc", "remote", "add", "--default", "store", "s3://results/dvc")
    run("dvc", "remote", "modify", "store", "endpointurl", s3)
    run("dvc", "push", "--quiet")
    run("git", "add", "-A")
    run("git", "-c", "user.name=t", "-c", "user.email=t@e.org", "commit", "-qm", "record")
    assert "secret" not in (micro / ".dvc/config").read_text()
    run("git", "clone", "-q", str(micro), str(tmp_path / "clone"))
    clone = runner(tmp_path / "clone")
    clone("aurl", "sync")
    assert sum(planned(clone).values()) == 0
    assert clone("aurl", "audit", "--all").stdout.endswith("all agree\n")
    assert digests(tmp_path / "clone/results/micro") == digests(micro / "results/micro")


def test_without_credentials_sync_says_so_in_one_line(
    micro: Path, tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runner(micro)
    run("dvc", "remote", "add", "--default", "store", "s3://results/dvc")
    run("dvc", "remote", "modify", "store", "endpointurl", s3)
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    (micro / "results/micro/metrics.csv").unlink()
    (micro / ".dvc/cache").rename(tmp_path / "cache")
    refused = runner(micro)("aurl", "sync", ok=False)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "credentials" in refused.stderr.lower()


def test_a_run_can_record_itself(micro: Path) -> None:
    run = runner(micro)
    edit(micro / "params.yaml", "record: manual", "record: automatic")
    edit(micro / "params.yaml", "title: AURL on", "title: Automatic AURL on")
    before = os.stat(micro / "dvc.lock").st_mtime_ns
    assert "recorded" in run("snakemake").stdout
    assert os.stat(micro / "dvc.lock").st_mtime_ns > before
    assert run("dvc", "status", "--json").stdout.strip() == "{}"

"""Remotes: an S3 API on loopback (moto's server), with credentials from the environment only."""

import os
from pathlib import Path

import pytest
from repositories import CREDENTIALS, runner
from runs import digests, edit, planned

pytestmark = pytest.mark.workflow


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

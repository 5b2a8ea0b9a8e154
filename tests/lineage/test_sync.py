"""`aurl sync` where there is nothing to fetch from."""

from pathlib import Path

import pytest

from aurl.lineage import record
from aurl.lineage.dvc_lock import Lock
from aurl.system.errors import AurlError

LOCK = """schema: '2.0'
stages:
  collect@micro:
    cmd: aurl collect
    outs:
    - {path: results/micro/metrics.csv, hash: md5, md5: 0123456789abcdef0123456789abcdef}
"""


def test_without_a_remote_it_says_so_and_counts_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_text(LOCK)
    assert list(Lock.read().stages) == ["collect@micro"]
    remotes = ""

    def dvc(*arguments: str) -> str:
        if arguments[0] == "pull":
            raise AurlError("'dvc pull' failed: some files are missing")
        assert arguments == ("remote", "list")
        return remotes

    monkeypatch.setattr(record, "dvc", dvc)
    with pytest.raises(AurlError, match="no DVC remote is configured, and the cache lacks 1 of 1 results: 'snakemake'"):
        list(record.sync_experiment("micro"))
    remotes = "store\t/shared\n"
    with pytest.raises(AurlError, match="'dvc pull' failed"):
        list(record.sync_experiment("micro"))

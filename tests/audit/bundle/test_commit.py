"""The files of a commit, checked without git against names that git gave."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from aurl.audit.bundle.commit import as_json, commit_problem, object_name, parse_commit, read_commit
from aurl.audit.bundle.container import parse_json
from aurl.system.errors import AurlError


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files whose order git and Python sort differently, a program and a link."""
    for name in ("a/b.txt", "a.txt", "a-b", "é.txt", "run.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("a/b.txt")
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@e.org", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_files_of_a_commit_prove_its_name(repository: Path) -> None:
    (repository / "a.txt").write_text("changed since")
    commit, files = read_commit()
    assert files["a.txt"] == b"a.txt", "the commit's, not the working tree's"
    assert (commit.executable, commit.links) == (["run.sh"], {"link": "a/b.txt"})
    assert commit.date.endswith("+00:00")
    again = parse_commit(parse_json(as_json(commit).decode()), "commit.json")
    blobs = {path: object_name("blob", content) for path, content in files.items()}
    assert commit_problem(again, blobs) is None
    for changed in (
        blobs | {"a.txt": object_name("blob", b"other")},
        blobs | {"more.txt": blobs["a.txt"]},
        {path: name for path, name in blobs.items() if path != "a-b"},
    ):
        assert "not those of commit" in str(commit_problem(again, changed))
    assert "not those of" in str(commit_problem(replace(again, links={"link": "a.txt"}), blobs))
    assert "not those of" in str(commit_problem(replace(again, executable=[]), blobs))
    assert "text is not that of" in str(commit_problem(replace(again, text=again.text + "x"), blobs))
    assert "below a file" in str(commit_problem(again, blobs | {"a.txt/b": blobs["a.txt"]}))


def test_outside_of_git_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AurlError, match="git rev-parse"):
        read_commit()
    with pytest.raises(AurlError, match="no description of a commit"):
        parse_commit({"name": 1}, "commit.json")

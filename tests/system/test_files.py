"""Files are replaced whole or not at all, and digested with their names."""

from pathlib import Path

import pytest

from aurl.system.files import replacing, sha256_folder
from aurl.system.json_files import write_json


def test_replacing_is_all_or_nothing(tmp_path: Path) -> None:
    one, two = tmp_path / "a/one", tmp_path / "two"
    two.write_text("old")
    with pytest.raises(RuntimeError), replacing(one, two) as (first, second):  # noqa: PT012
        first.write_text("new")
        second.write_text("new")
        raise RuntimeError
    assert not one.exists()
    assert two.read_text() == "old"
    with replacing(one, two) as (first, second):
        first.mkdir()
        (first / "inside").write_text("new")
        second.write_text("new")
    assert (one / "inside").read_text() == "new"
    assert two.read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "inside", "one", "two"]


def test_folder_digest_sees_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = sha256_folder(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    renamed = sha256_folder(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({first, renamed, sha256_folder(tmp_path)}) == 3


def test_json_is_written_in_one_order(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"b": 1, "a": "é"})
    assert (tmp_path / "a").read_text() == '{\n "a": "é",\n "b": 1\n}\n'

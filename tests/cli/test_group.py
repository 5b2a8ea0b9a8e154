"""`aurl --help` in groups, suggestions for what was mistyped, and where a command works."""

import os
import re
import sys
from pathlib import Path

import pytest
from repositories import REPOSITORY
from terminal import on_terminal

from aurl.cli import main
from aurl.cli.group import GROUPS, cli, first_sentence
from aurl.cli.places import STARTED_IN, clone_of, enter, user_path, user_place
from aurl.system.errors import AurlError, choices


@pytest.fixture
def aurl(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Run a command in a folder: exit status or message, output, errors."""

    def run(folder: Path, *arguments: str | Path) -> tuple[object, str, str]:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["aurl", *map(str, arguments)])
        status: object = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code
        return (status, *capsys.readouterr())

    return run


def test_help_shows_every_command_once_in_groups(aurl) -> None:  # type: ignore[no-untyped-def]
    status, text, _ = aurl(REPOSITORY, "--help")
    assert status == 0
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("...") == 1, "whole sentences; the one is of the usage"
    titles = re.findall(r"^(\w.*):$", text, re.MULTILINE)
    assert titles[:5] == ["Options", *GROUPS]
    assert titles[5].startswith("Stages")
    listed = re.findall(r"^  ([a-z][a-z-]+)  ", text[text.index("\nUse:") :], re.MULTILINE)
    assert sorted(listed) == sorted(name for name, command in cli.commands.items() if not command.hidden)
    assert first_sentence(cli.commands["use"]).endswith("without NAME, list the presets.")


def test_what_is_mistyped_is_named_with_what_is_near(aurl) -> None:  # type: ignore[no-untyped-def]
    assert "'status'" in aurl(REPOSITORY, "statuss")[2]
    assert "did you mean 'paper'? known: methods, micro, " in aurl(REPOSITORY, "use", "papr")[0]
    assert "did you mean 'ucf101'?" in aurl(REPOSITORY, "fetch", "ucf-101")[0]
    assert "did you mean 'aurl_no_cg'?" in aurl(REPOSITORY, "train", "--variant", "aurl_nocg", "--seed", "0")[0]
    assert "did you mean 'drawn_ucf'?" in aurl(REPOSITORY, "manifest", "drawn_ufc")[0]
    assert choices("x", ["mini"]) == "known: mini"


def test_presets_are_listed_and_the_present_one_is_marked(aurl) -> None:  # type: ignore[no-untyped-def]
    status, text, _ = aurl(REPOSITORY / "docs/how-to", "use")
    assert status == 0
    assert Path.cwd() == REPOSITORY
    marked = [line for line in text.splitlines() if line.startswith("* ")]
    assert [line.split()[1] for line in marked] == ["mini"]
    assert re.findall(r"^[* ] ([a-z0-9]+) ", text, re.MULTILINE) == [
        "methods",
        "micro",
        "mini",
        "paper",
        "samples",
        "ucf101",
    ]
    assert max(map(len, text.splitlines())) <= 80


def test_commands_work_in_every_folder_of_a_clone_and_with_its_name(aurl, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    whole = aurl(REPOSITORY, "status")[1]
    assert whole.startswith("experiment mini: ")
    assert aurl(REPOSITORY / "docs", "status")[1] == whole
    assert aurl(tmp_path, "-C", REPOSITORY / "docs", "status")[1] == whole
    assert aurl(tmp_path, "--params", REPOSITORY / "params.yaml", "status")[1] == whole
    assert "this folder is in no clone of AURL: " in aurl(tmp_path, "status")[0]
    assert "is not in a clone of AURL" in aurl(tmp_path, "use")[0]
    assert not list(tmp_path.iterdir()), "nothing was written"
    assert "-C x: no clone of AURL" in aurl(tmp_path, "-C", "x", "status")[0]


def test_files_are_looked_up_from_where_the_user_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = REPOSITORY / "tests/cli"
    monkeypatch.chdir(folder)
    assert enter(None, None) == Path("params.yaml")
    assert Path.cwd() == REPOSITORY
    assert user_path(Path("x.mp4")) == folder / "x.mp4"
    assert user_path(tmp_path) == tmp_path
    assert user_place("test_group.py") == str(folder / "test_group.py")
    assert user_place("ucf101") == "ucf101", "not a file"
    assert enter(None, None) == Path("params.yaml")
    assert STARTED_IN == []
    assert user_path(Path("x.mp4")) == Path("x.mp4")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").touch()
    assert enter(None, Path("mine.yaml")) == Path("mine.yaml"), "outside of a clone nothing changes"
    assert enter(REPOSITORY, Path("mine.yaml")) == tmp_path / "mine.yaml"
    assert clone_of(tmp_path) is None
    with pytest.raises(AurlError, match="no clone of AURL"):
        enter(tmp_path, None)
    os.chdir(REPOSITORY)


def test_errors_fit_a_terminal(tmp_path: Path) -> None:
    shown = on_terminal(tmp_path, sys.executable, "-m", "aurl.cli", "status", size=(24, 80))
    assert shown.startswith("aurl: error: params.yaml: no such file;")
    assert max(map(len, shown.splitlines())) <= 80
    assert len(shown.splitlines()) == 2

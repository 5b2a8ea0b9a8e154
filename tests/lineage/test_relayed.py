"""What DVC says cannot control a terminal."""

from pathlib import Path

import pytest

from aurl.lineage.dvc import dvc
from aurl.system.errors import AurlError


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (r"\033[31mERROR\033[39m: no remote", "no remote"),
        (r"ERROR: file \033]0;title\007 \033[2Jx\r", r"file \x1b]0;title\x07 \x1b[2Jx"),
        (r"ERROR: a\nb\tc", "a b c"),
        (r"ERROR: \302\233 31m", r"\x9b 31m"),
    ],
)
def test_what_dvc_says_is_one_line_that_cannot_control_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, shown: str
) -> None:
    program = tmp_path / "bin/dvc"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nprintf '{said}\\n' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AurlError) as caught:
        dvc("pull")
    assert str(caught.value) == f"'dvc pull' failed: {shown}"
    assert str(caught.value).isprintable()

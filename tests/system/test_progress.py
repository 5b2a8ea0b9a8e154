"""Progress on a pseudo-terminal and in a log."""

import re
import subprocess
import sys

import pytest
from terminal import on_terminal

from aurl.system import progress

BARS = """
import time
from aurl.system.progress import log, track, transfer
for item in track(range(10, 40), "train aurl seed 0", "steps", 40, done=10):
    time.sleep(0.01)
    if item == 20:
        log("a remark")
with transfer("fetch x.zip", 4_000_000, 1_000_000) as advance:
    for _ in range(30):
        time.sleep(0.01)
        advance(100_000)
for _ in track(range(3), "a moment", "things", 3, brief=True):
    pass
"""


def test_bars_on_a_terminal() -> None:
    shown = on_terminal(None, sys.executable, "-c", BARS, size=(40, 100))
    drawn = re.findall(r"train aurl seed 0: +(\d+)%\|(.*?)\| (\d+)/40 \[(\S+)<(\S+), +(\S+?)steps/s\]", shown)
    assert int(drawn[0][2]) >= 10, "it begins after what was done before"
    assert [int(count) for _, _, count, *_ in drawn] == sorted(int(count) for _, _, count, *_ in drawn)
    assert drawn[-1][0] == "100"
    assert drawn[-1][2] == "40"
    assert drawn[-1][4] == "00:00"
    assert float(drawn[-1][5]) < 110, "the rate is this run's"
    assert all(len(bar) > 5 for _, bar, *_ in drawn)
    assert re.search(r"(^|\n|\r) *a remark\r\n", shown), "a line of its own, not behind the bar"
    assert re.search(r"fetch x\.zip: 100%\|.*\| 4\.00M/4\.00M \[\S+<00:00, +[\d.]+MB/s\]", shown)
    assert "a moment" not in shown
    assert not re.search(r"\x1b\[[\d;]*m", shown), "no colour"


def test_lines_in_a_log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(progress.track("abc", "probe", "videos", 13, done=10)) == ["a", "b", "c"]
    assert re.fullmatch(r"probe: 13/13 videos \d+\.\d/s, 0 s left\n", capsys.readouterr().err)
    assert list(progress.track("abc", "probe", "videos", 3, brief=True)) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "LOG_INTERVAL_SECONDS", 0.0)
    list(progress.track("abc", "probe", "videos", 3, brief=True))
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_a_pipe_gets_no_bar() -> None:
    done = subprocess.run([sys.executable, "-c", BARS], capture_output=True, text=True, check=True)
    assert "\r" not in done.stderr
    assert done.stderr.splitlines()[0] == "a remark"
    assert re.fullmatch(r"train aurl seed 0: 40/40 steps \d+\.\d/s, 0 s left", done.stderr.splitlines()[1])


@pytest.mark.parametrize(("seconds", "told"), [(45.4, "45 s"), (400, "7 min"), (9000, "2.5 h"), (360_000, "100.0 h")])
def test_times_for_people(seconds: float, told: str) -> None:
    assert progress.in_time(seconds) == told

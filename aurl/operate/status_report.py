"""Show the overview of an experiment as text, as JSON, or on a terminal that is redrawn."""

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from aurl.operate.status import BEHIND, NOT_MADE, STATES, JobStatus, Overview, State, last_lines
from aurl.system.progress import in_time
from aurl.system.terminal import WIDTH, wrapped

COLOURS: dict[State, str] = {"done": "green", "running": "cyan", "interrupted": "yellow", "failed": "red"}
FAILED_LINES = 4
GO_ON = "'snakemake' makes what is not done"


def as_text(overview: Overview, now: float) -> str:
    """Write the stages, then the jobs that run or stopped, what is out of date, missing and remaining."""
    lines = [_headline(overview), "", *_table(overview)]
    lines += _section("running", [line for status in overview.of("running") for line in _running(status, now)])
    lines += _section("failed", [line for status in overview.of("failed") for line in _stopped(status, FAILED_LINES)])
    lines += _section("interrupted", [line for status in overview.of("interrupted") for line in _stopped(status, 1)])
    lines += _section("out of date", _out_of_date(overview))
    lines += _section("missing data", [f"{name}: {where}" for name, where in overview.missing.items()])
    return "\n".join([*lines, *_section("remaining", _remaining(overview, now))])


def as_line(overview: Overview) -> str:
    """Write the overview in one line."""
    counts = ", ".join(f"{len(overview.of(state))} {state}" for state in STATES if overview.of(state))
    return f"{overview.experiment}: {overview.state}; of {len(overview.jobs)} jobs {counts}"


def as_json(overview: Overview, now: float) -> str:
    """Write everything, for other programs; times are Unix times."""
    left = overview.remaining(now)
    value = {
        "experiment": overview.experiment,
        "state": overview.state,
        "snakemake": overview.run and vars(overview.run),
        "stages": {
            stage: {**{state: counted[state] for state in STATES}, "total": counted.total()}
            for stage, counted in overview.counts().items()
        },
        "missing_data": overview.missing,
        "remaining": left and vars(left),
        "jobs": [_described(status) for status in overview.jobs],
    }
    return json.dumps(value, indent=1)


def watch(look: Callable[[], Overview], seconds: float, terminal: bool) -> Overview:
    """Show the overview repeatedly, until all is done or the user ends it; returns the last one.

    Args:
        terminal: redraw the whole overview; otherwise print a line whenever the numbers have changed.
    """
    shown = ""
    overview = look()
    try:
        while True:
            if terminal:
                click.clear()
                click.echo("\n".join(_fitting(as_text(overview, time.time()).splitlines())))
            elif (line := as_line(overview)) != shown:
                shown = line
                click.echo(f"{_clock(time.time())} {line}")
            if overview.state == "done":
                return overview
            time.sleep(seconds)
            overview = look()
    except KeyboardInterrupt:
        return overview


def _headline(overview: Overview) -> str:
    state = click.style(overview.state, fg=COLOURS.get(overview.state), bold=True)
    if overview.run is not None:
        how = f" (snakemake, {overview.run}, since {_clock(overview.run.since)})"
    elif overview.state == "running":
        how = " (no snakemake lives, but jobs that it started do)"
    else:
        how = "" if overview.state == "done" else f" ({GO_ON})"
    return f"experiment {overview.experiment}: {state}{how}"


def _table(overview: Overview) -> list[str]:
    counts = overview.counts()
    everything = Counter(status.state for status in overview.jobs)
    width, states = max(map(len, counts)), [state for state in STATES if state == "done" or everything[state]]
    lines = [f"{'stage':{width}} " + " ".join(f"{name:>11}" for name in (*states, "total"))]
    for stage, counted in [*counts.items(), ("total", everything)]:
        cells = [
            click.style(f"{number:11}", fg=COLOURS.get(state) if number else None, dim=not number)
            for state in states for number in [counted[state]]
        ]  # fmt: skip
        lines.append(f"{stage:{width}} " + " ".join([*cells, f"{counted.total():11}"]))
    return lines


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", click.style(title, bold=True), *(f"  {line}" for line in lines)] if lines else []


def _running(status: JobStatus, now: float) -> list[str]:
    assert status.holder is not None
    since = status.holder.since
    who = f", {status.holder}" if status.holder.pid else ", starting"
    return [
        f"{status.job.name}: since {_clock(since)} ({in_time(max(now - since, 0))}){who}",
        *(f"  {line}" for line in last_lines(status.job.log, 1)),
    ]


def _stopped(status: JobStatus, number: int) -> list[str]:
    lines = last_lines(status.job.log, number) or ["(it printed nothing)"]
    return [f"{status.job.name}: {status.job.log}", *(f"  {line}" for line in lines)]


def _out_of_date(overview: Overview) -> list[str]:
    """List jobs whose results belong to another experiment, one line for each stage and reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for status in overview.of("waiting"):
        if status.reason not in (NOT_MADE, BEHIND):
            groups.setdefault((status.job.stage.name, status.reason), []).append(status.job.name)
    return [
        f"{names[0] if len(names) == 1 else f'{stage} ({len(names)} jobs)'}: {reason}"
        for (stage, reason), names in groups.items()
    ]


def _remaining(overview: Overview, now: float) -> list[str]:
    left = overview.remaining(now)
    if left is None:
        return []
    lines = []
    if left.seconds:
        how = f"{left.at_once} jobs at a time, as now" if left.at_once > 1 else "one job at a time"
        least = "at least" if left.unknown else "about"
        lines.append(f"{least} {in_time(left.seconds)} with {how}, by finished jobs of the same stages")
    if left.unknown:
        lines.append(f"not known for {', '.join(left.unknown)}: no job has finished with the present settings")
    return [part for line in lines for part in wrapped(line, "  ", WIDTH - 2)]


def _described(status: JobStatus) -> dict[str, Any]:
    return {
        "stage": status.job.stage.name, "wildcards": status.job.wildcards, "state": status.state, "reason": status.reason,
        "output": str(status.job.made[0]), "log": str(status.job.log), "seconds": status.seconds,
        "process": status.holder and status.holder.pid, "host": status.holder and status.holder.host,
        "since": status.holder and status.holder.since,
        "last_lines": last_lines(status.job.log, FAILED_LINES) if status.state not in ("done", "waiting") else [],
    }  # fmt: skip


def _fitting(lines: list[str]) -> list[str]:
    """Cut long lines, and the last ones, so that the beginning stays on the terminal."""
    columns, rows = shutil.get_terminal_size()
    plain = [(line, click.unstyle(line)) for line in lines[: rows - 1]]
    return [line if len(bare) <= columns else bare[:columns] for line, bare in plain]


def _clock(moment: float) -> str:
    """Format the local time of day, with the date where it is another one."""
    then = datetime.fromtimestamp(moment)
    return f"{then:%H:%M:%S}" if then.date() == datetime.now().date() else f"{then:%Y-%m-%d %H:%M:%S}"

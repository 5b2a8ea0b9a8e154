"""Where an experiment stands: which of its jobs are done, running, waiting, interrupted or failed.

Nothing is written and no lock is kept: it may be asked at any time, beside a run. No file of data is read: done
means that a job's outputs and provenance block are there and that the block tells the present parameters, code and
inputs (those that other jobs make); whether the bytes are those of the block is the audit's question.
"""

import json
from base64 import urlsafe_b64encode
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aurl.lineage.blocks import code_digests
from aurl.pipeline.jobs import Job, Jobs
from aurl.system.files import write_json
from aurl.system.locks import Holder, living_run, maker

State = Literal["done", "running", "waiting", "interrupted", "failed"]
STATES: tuple[State, ...] = ("done", "running", "waiting", "interrupted", "failed")
SNAKEMAKE_LOGS = Path(".snakemake/log")
STARTED = Path(".snakemake/incomplete")
NOT_MADE = "not made yet"
BEHIND = "behind a job that is not done"
MADE_WITH_OTHER = "made with other"
ENDS = ("aurl: error: ", "Traceback (most recent call last)", "Usage: ", "Error: ")
TAIL_BYTES = 8192


@dataclass(frozen=True)
class JobStatus:
    """One job: its state, why it is not done, who makes it since when, and what it took with the present settings."""

    job: Job
    state: State
    reason: str
    log: Path
    holder: Holder | None
    seconds: float | None

    @property
    def name(self) -> str:
        """The stage with its wildcards."""
        return " ".join([self.job.stage, *map(str, self.job.wildcards.values())])


@dataclass(frozen=True)
class Estimate:
    """Seconds that jobs of stages with a finished job will take, `at_once` of them at a time, and what is not known."""

    seconds: float
    at_once: int
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Overview:
    """All jobs of an experiment, in the order of the data; the Snakemake that lives; the data that is missing."""

    experiment: str
    jobs: list[JobStatus]
    run: Holder | None
    absent: dict[str, str]

    @property
    def state(self) -> State:
        """The experiment's: running where a job or Snakemake is; else failed, interrupted, done, or waiting."""
        found = {status.state for status in self.jobs}
        if found == {"done"}:
            return "done"
        if self.run is not None or "running" in found:
            return "running"
        return next((state for state in ("failed", "interrupted") if state in found), "waiting")

    def of(self, state: State) -> list[JobStatus]:
        """The jobs in a state."""
        return [status for status in self.jobs if status.state == state]

    def counts(self) -> dict[str, Counter[State]]:
        """Stage -> state -> number of jobs."""
        counted: dict[str, Counter[State]] = {}
        for status in self.jobs:
            counted.setdefault(status.job.stage, Counter())[status.state] += 1
        return counted

    def remaining(self, now: float) -> Estimate | None:
        """What is left, as long as finished jobs of the same stage took (mean); None when nothing is.

        Args:
            now: Unix time, for how far the running jobs are.
        """
        left = [status for status in self.jobs if status.state != "done"]
        if not left:
            return None
        finished: dict[str, list[float]] = {}
        for status in self.jobs:
            if status.seconds is not None:
                finished.setdefault(status.job.stage, []).append(status.seconds)
        total = 0.0
        for status in left:
            times = finished.get(status.job.stage, [])
            expected = status.seconds or (sum(times) / len(times) if times else 0.0)
            total += max(expected - (now - status.holder.since if status.holder else 0.0), 0.0)
        unknown = dict.fromkeys(status.job.stage for status in left if status.job.stage not in finished)
        at_once = max(len(self.of("running")), 1)
        return Estimate(total / at_once, at_once, tuple(unknown))


def survey(jobs: Jobs) -> Overview:
    """Look at every job of an experiment."""
    run, listed = living_run(), list(jobs.all())
    holders = [maker(jobs.block(job)) for job in listed]  # before the blocks: a job writes its block, then lets go
    blocks = {path: block for job in listed for block in [_read_block(jobs.block(job))] for path in job.outputs}
    code = {stage: code_digests(stage) for stage in {job.stage for job in listed}}
    done: set[Path] = set()
    found = []
    for job, holder in zip(listed, holders, strict=True):
        log, block = jobs.paths.log(job.outputs[0]), blocks[job.outputs[0]]
        state: State = "waiting"
        reason = _not_done(job, blocks, done, jobs.settings(job), code[job.stage])
        comparable = block if not reason.startswith(MADE_WITH_OTHER) else None
        seconds = None if comparable is None else float(comparable["circumstance"]["seconds"])
        started = _time(started_marker(jobs.block(job)))
        if holder is not None:
            state, reason = "running", "being made"
        elif not reason:
            state = "done"
            done |= set(job.outputs)
        elif block is None and _failed(log):
            state, reason = "failed", "the last attempt failed"
        elif started and run is not None and started >= run.since:
            state, reason, holder = "running", "being made", Holder(None, started)  # it has not come to its lock yet
        elif started:
            state, reason = "interrupted", "the last attempt was killed"
        found.append(JobStatus(job, state, reason, log, holder, seconds))
    return Overview(jobs.experiment.experiment, found, run, jobs.absent)


def last_lines(log: Path, number: int) -> list[str]:
    """The last lines of a log that are not blank, without anything that a terminal would obey."""
    try:
        with log.open("rb") as handle:
            handle.seek(max(log.stat().st_size - TAIL_BYTES, 0))
            text = handle.read().decode(errors="replace")
    except OSError:
        return []
    lines = [line for line in text.splitlines() if line.strip()]
    return ["".join(letter if letter.isprintable() else " " for letter in line) for line in lines[-number:]]


def _not_done(
    job: Job, blocks: dict[Path, dict[str, Any] | None], done: set[Path], settings: dict[str, Any], code: dict[str, str]
) -> str:
    """Why a job is not done; empty if it is.

    Args:
        blocks: output -> block, of all jobs.
        done: outputs of the jobs before this one that are done.
    """
    block = blocks[job.outputs[0]]
    if block is None:
        return NOT_MADE
    identity = block["identity"]
    for kind, present, told in (("values", settings, identity["settings"]), ("versions", code, identity["code"])):
        differing = sorted(key for key in present.keys() | told.keys() if present.get(key) != told.get(key))
        if differing:
            return f"{MADE_WITH_OTHER} {kind} of {', '.join(differing)}"
    if not all(path.exists() for path in job.outputs):
        return NOT_MADE
    made = [path for path in job.inputs if path in blocks]  # by another job
    if not done.issuperset(made):
        return BEHIND
    contents = {str(path): (blocks[path] or {})["outputs"].get(str(path)) for path in made}
    if identity["inputs"].keys() != set(map(str, job.inputs)) or not contents.items() <= identity["inputs"].items():
        return "made from other inputs"
    return ""


def _failed(log: Path) -> bool:
    """Whether the last attempt says itself that it failed, or a Snakemake that lived after it does."""
    if any(line.startswith(ENDS) for line in last_lines(log, 50)):
        return True
    told, tried = f"    log: {log} (check log file(s) for error details)", _time(log)
    later = [path for path in SNAKEMAKE_LOGS.glob("*.snakemake.log") if tried and _time(path) >= tried]
    return any(told in path.read_text(errors="replace").splitlines() for path in later)


def started_marker(output: Path) -> Path:
    """The file by which Snakemake remembers that it started the job of an output and has not seen its end."""
    return STARTED / urlsafe_b64encode(str(output).encode()).decode()


def mark_started(path: Path) -> None:
    """Let Snakemake take an output for one whose job was killed: it makes it again."""
    write_json(started_marker(path), {"external_jobid": None})


def _read_block(path: Path) -> dict[str, Any] | None:
    """A provenance block; None where there is none, or none that can be read."""
    try:
        block = json.loads(path.read_text())
        inner = (block["identity"][key] for key in ("settings", "code", "inputs"))
        whole = all(isinstance(part, dict) for part in (*inner, block["outputs"]))
        float(block["circumstance"]["seconds"])
        return dict(block) if whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0

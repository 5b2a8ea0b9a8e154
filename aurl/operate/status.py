"""Survey an experiment: which of its jobs are done, running, waiting, interrupted or failed.

It writes nothing and keeps no lock, so it may run at any time, beside a run. It reads no data: a job is done when its
outputs and its provenance block exist and the block names the present parameters, code and inputs. The audit compares
the bytes.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aurl.lineage.blocks import Block, blocks_by_output, digests_by_code
from aurl.lineage.following import MADE_WITH_OTHER, OTHER_INPUTS, difference, has_other_inputs
from aurl.pipeline.jobs import Job, Jobs
from aurl.system.locks import Holder, last_attempt, living_run, maker

State = Literal["done", "running", "waiting", "interrupted", "failed"]
STATES: tuple[State, ...] = ("done", "running", "waiting", "interrupted", "failed")
NOT_MADE = "not made yet"
BEHIND = "behind a job that is not done"
TAIL_BYTES = 8192


@dataclass(frozen=True)
class JobStatus:
    """Describe a job: state, reason if unfinished, process, seconds with the present settings."""

    job: Job
    state: State
    reason: str
    holder: Holder | None
    seconds: float | None


@dataclass(frozen=True)
class Estimate:
    """Estimate the seconds left, with `at_once` jobs at a time; `unknown` stages have no finished job."""

    seconds: float
    at_once: int
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Overview:
    """Hold all jobs of an experiment in the order of the data, the living Snakemake, and missing data."""

    experiment: str
    jobs: list[JobStatus]
    run: Holder | None
    missing: dict[str, str]

    @property
    def state(self) -> State:
        """Return done, running (a job or Snakemake), failed, interrupted or waiting, in this order."""
        states = {status.state for status in self.jobs}
        if states == {"done"}:
            return "done"
        if self.run is not None or "running" in states:
            return "running"
        return next((state for state in ("failed", "interrupted") if state in states), "waiting")

    def of(self, state: State) -> list[JobStatus]:
        """List the jobs in a state."""
        return [status for status in self.jobs if status.state == state]

    def counts(self) -> dict[str, Counter[State]]:
        """Count the jobs of each stage in each state."""
        counted: dict[str, Counter[State]] = {}
        for status in self.jobs:
            counted.setdefault(status.job.stage.name, Counter())[status.state] += 1
        return counted

    def remaining(self, now: float) -> Estimate | None:
        """Estimate the time left from finished jobs of the same stages (mean); None when nothing is left.

        Args:
            now: Unix time, for how far the running jobs are.
        """
        left = [status for status in self.jobs if status.state != "done"]
        if not left:
            return None
        finished: dict[str, list[float]] = {}
        for status in self.jobs:
            if status.seconds is not None:
                finished.setdefault(status.job.stage.name, []).append(status.seconds)
        total = 0.0
        for status in left:
            times = finished.get(status.job.stage.name, [])
            expected = status.seconds or (sum(times) / len(times) if times else 0.0)
            total += max(expected - (now - status.holder.since if status.holder else 0.0), 0.0)
        unknown = dict.fromkeys(status.job.stage.name for status in left if status.job.stage.name not in finished)
        at_once = max(len(self.of("running")), 1)
        return Estimate(total / at_once, at_once, tuple(unknown))


def survey(jobs: Jobs) -> Overview:
    """Look at every job of an experiment."""
    listed = list(jobs.all())
    holders = [maker(job.block) for job in listed]  # before the blocks: a job writes its block, then lets go
    blocks, code = blocks_by_output(listed), digests_by_code(listed)
    done: set[Path] = set()
    statuses = []
    for job, holder in zip(listed, holders, strict=True):
        block, attempt = blocks[job.made[0]], last_attempt(job.block)
        state: State = "waiting"
        reason = _reason_unfinished(job, blocks, done, code[job.code])
        seconds = block.seconds if block is not None and not reason.startswith(MADE_WITH_OTHER) else None
        if holder is not None:
            state, reason = "running", "being made"
        elif not reason:
            state = "done"
            done |= set(job.made)
        elif attempt == "failed":
            state, reason = "failed", "the last attempt failed"
        elif attempt == "killed":
            state, reason = "interrupted", "the last attempt was killed"
        statuses.append(JobStatus(job, state, reason, holder, seconds))
    return Overview(jobs.experiment.experiment, statuses, living_run(), dict(jobs.missing))


def last_lines(log: Path, number: int) -> list[str]:
    """Return the last lines of a log that are not blank, without control characters."""
    try:
        with log.open("rb") as handle:
            handle.seek(max(log.stat().st_size - TAIL_BYTES, 0))
            text = handle.read().decode(errors="replace")
    except OSError:
        return []
    lines = [line for line in text.splitlines() if line.strip()]
    return ["".join(letter if letter.isprintable() else " " for letter in line) for line in lines[-number:]]


def _reason_unfinished(job: Job, blocks: dict[Path, Block | None], done: set[Path], code: dict[str, str]) -> str:
    """Say why a job is not done; empty if it is.

    Args:
        blocks: output -> block, of all jobs.
        done: outputs of the jobs before this one that are done.
    """
    block = blocks[job.made[0]]
    if block is None:
        return NOT_MADE
    if reason := difference(job, block, code):
        return reason
    if not all(path.exists() for path in job.made):
        return NOT_MADE
    if not done.issuperset(path for path in job.depends if path in blocks):
        return BEHIND
    return OTHER_INPUTS if has_other_inputs(job, block, blocks) else ""

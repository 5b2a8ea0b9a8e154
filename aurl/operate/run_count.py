"""Count the jobs of a run: done, running, and the time that the rest takes."""

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aurl.lineage.blocks import block_or_none
from aurl.operate.status import last_lines
from aurl.pipeline.jobs import Jobs
from aurl.system.progress import in_time

MOST_NAMED = 3  # running jobs
LEFT = re.compile(r"(\d+) s left$")  # the end of a line of progress in a log (aurl/system/progress.py)


@dataclass
class Running:
    """Describe a running job: its name, its start (monotonic seconds), its log."""

    name: str
    since: float
    log: Path | None


class RunCount:
    """Hold what is known of a run while it goes on."""

    def __init__(self, stats: Mapping[str, int], jobs: Jobs) -> None:
        """
        Args:
            stats: planned jobs of each stage, as Snakemake counts them.
        """
        self._left = Counter({stage: number for stage, number in stats.items() if stage not in ("all", "total")})
        self.total, self.done = self._left.total(), 0
        self.running: dict[int, Running] = {}
        self.started = time.monotonic()
        self._seconds = earlier_seconds(jobs)
        self._own: dict[str, list[float]] = {}

    @property
    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.started

    def start(self, number: int, name: str, log: Sequence[object]) -> None:
        """Take a job as running, under Snakemake's number."""
        path = Path(str(log[0]).removesuffix(" (update)")) if log else None
        self.running[number] = Running(name, time.monotonic(), path)

    def finish(self, number: int) -> None:
        """Take a job as done."""
        job = self.stop(number)
        if job is None:
            return
        self.done += 1
        stage = job.name.partition(" ")[0]
        self._own.setdefault(stage, []).append(time.monotonic() - job.since)
        self._left[stage] -= 1

    def stop(self, number: int) -> Running | None:
        """Take a job as no longer running."""
        return self.running.pop(number, None)

    def line(self, width: int | None = None) -> str:
        """Write "12 of 48 jobs done, 2 running (train aurl 0, train ls 1), about 4 min left"."""
        names = [job.name for job in self.running.values()]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        head, left = f"{self.done} of {self.total} jobs done", self._remaining()
        named = f", {len(names)} running ({', '.join(names[:MOST_NAMED])}{more})" if names else ""
        for running in (named, f", {len(names)} running" if names else "", ""):
            text = f"{head}{running}{left}"
            if width is None or len(text) <= width:
                return text
        return head[:width]

    def _remaining(self) -> str:
        """Estimate the time left from jobs of the same stages, and from what running jobs say themselves."""
        seconds, unknown = 0.0, False
        now, waiting = time.monotonic(), Counter(self._left)
        for job in self.running.values():
            stage = job.name.partition(" ")[0]
            waiting[stage] -= 1
            said = LEFT.search((last_lines(job.log, 1) or [""])[0]) if job.log else None
            usual = self._usual(stage)
            unknown |= usual is None and said is None
            seconds += float(said[1]) if said else max((usual or 0.0) - (now - job.since), 0.0)
        for stage, number in waiting.items():
            usual = self._usual(stage)
            unknown |= usual is None and number > 0
            seconds += max(number, 0) * (usual or 0.0)
        if not seconds:
            return f", {in_time(self.elapsed)} so far"
        return f", {'at least' if unknown else 'about'} {in_time(seconds / max(len(self.running), 1))} left"

    def _usual(self, stage: str) -> float | None:
        """Return the mean seconds of a stage's jobs in this run, or before it; None if there was none."""
        own = self._own.get(stage)
        return sum(own) / len(own) if own else self._seconds.get(stage)


def earlier_seconds(jobs: Jobs) -> dict[str, float]:
    """Return the mean seconds of each stage's jobs in earlier runs, with any parameters."""
    seconds: dict[str, list[float]] = {}
    for job in jobs.all():
        block = block_or_none(job.block)
        if block is not None:
            seconds.setdefault(job.stage.name, []).append(block.seconds)
    return {stage: sum(each) / len(each) for stage, each in seconds.items()}

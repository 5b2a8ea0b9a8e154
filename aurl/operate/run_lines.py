"""Show a run of Snakemake in few lines: one live line on a terminal, a line now and then in a log."""

import shutil
import threading
import time
from collections.abc import Mapping
from typing import Any, TextIO

from aurl.operate.run_count import RunCount
from aurl.operate.snakemake_lines import Lines, job_name
from aurl.pipeline.jobs import Jobs
from aurl.system.progress import in_time
from aurl.system.terminal import counted

LOG_SECONDS, LIVE_SECONDS = 30.0, 1.0
INTERRUPTED = "Terminating processes on user request"


class RunLines(Lines):
    """Show a run: how many jobs are done, which run, and about how long the rest takes."""

    def __init__(self, jobs: Jobs, stream: TextIO) -> None:
        super().__init__(jobs, stream)
        self.count: RunCount | None = None
        self.live, self.drawn, self.interrupted = stream.isatty(), False, False
        self._ended = threading.Event()
        self._shown = time.monotonic()

    def take(self, event: str, values: Mapping[str, Any], text: str) -> None:
        """Count started and finished jobs; show other messages above the live line."""
        if event == "run_info" and self.count is None:
            self._begin(values["stats"])
        elif event == "job_info" and self.count and values["rule_name"] != "all":
            self.count.start(values["jobid"], job_name(values, self.jobs), values["log"])
        elif event == "job_finished" and self.count:
            self.count.finish(values["job_id"])
        elif event == "job_error" and self.count:
            self.count.stop(values["jobid"])
        self.interrupted |= text.startswith(INTERRUPTED)
        if not (self.interrupted and event in ("job_error", "group_error")):
            super().take(event, values, text)
        self._draw()

    def say(self, text: str) -> None:
        """Write text above the live line."""
        if self.drawn:
            self.stream.write("\r\x1b[K")
            self.drawn = False
        super().say(text)

    def close(self) -> None:
        """Say how the run ended."""
        if self.count is not None and not self._ended.is_set():
            self._ended.set()
            self.say(self._last_line(self.count))
            self.stream.flush()
        super().close()

    def _begin(self, stats: Mapping[str, int]) -> None:
        self.count = RunCount(stats, self.jobs)
        name, number = self.jobs.experiment.experiment, counted(self.count.total, "job")
        self.say(f"aurl: experiment {name}: {number} to run; 'aurl status' shows more")
        threading.Thread(target=self._keep_drawing, daemon=True).start()

    def _keep_drawing(self) -> None:
        while not self._ended.wait(LIVE_SECONDS):
            self.acquire()
            try:
                self._draw()
                self.stream.flush()
            finally:
                self.release()

    def _draw(self) -> None:
        """Write the live line, or in a log a new line when the last one is old."""
        if self.count is None or self._ended.is_set():
            return
        if self.live:
            columns = shutil.get_terminal_size().columns
            self.stream.write(f"\r{self.count.line(columns - 1)}\x1b[K")
            self.drawn = True
        elif time.monotonic() - self._shown >= LOG_SECONDS:
            self._shown = time.monotonic()
            self.stream.write(f"aurl: {self.count.line()}\n")

    def _last_line(self, count: RunCount) -> str:
        how = f"{count.done} of {count.total} jobs done in {in_time(count.elapsed)}"
        if self.interrupted:
            return f"aurl: interrupted: {how}; finished results are kept, 'snakemake' goes on"
        if self.failed:
            number = len(self.failed)
            return f"aurl: stopped: {how}, {number} failed; 'snakemake' goes on when the cause is mended"
        return f"aurl: {how}" if count.done == count.total else f"aurl: stopped: {how}; 'snakemake' goes on"

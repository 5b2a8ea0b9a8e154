"""Take Snakemake's messages: the base of what stands on the terminal during a run and a dry run."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from aurl.operate.status import last_lines
from aurl.pipeline.jobs import Jobs
from aurl.system.errors import printable

FAILED_LINES = 15  # of the log of a job that failed
NOTHING = "Nothing to be done"
PLAIN = (  # what Snakemake says of itself; everything else is shown
    "Building DAG", "Using shell", "Provided", "Rules claiming", "Group jobs", "Conda env", "Singularity", "Select jobs",
    "Execute ", "Assuming ", "Shutting down", "Complete log", "Elapsed time", "Touching output", "Reasons:",
    "    (check individual", "This was a dry-run", "Some jobs were triggered", "Rules with ", "Workflow has started",
    "Exiting because a job execution failed", "At least one job did not complete", "Would remove",
)  # fmt: skip

REPEATED = (  # of a job that failed, whose own log is shown, and of the run, whose last line says it
    "CalledProcessError in file",
    "At least one job did not complete successfully",
    "Terminating processes on user request",
)


class Lines(logging.Handler):
    """Pass on what a person has to know of Snakemake's messages: faults, and that there is nothing to do."""

    def __init__(self, jobs: Jobs, stream: TextIO) -> None:
        super().__init__(logging.INFO)
        self.jobs, self.stream = jobs, stream
        self.failed: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Take one message of Snakemake."""
        try:
            event = getattr(record, "event", None)
            self.take("" if event is None else str(event), vars(record), str(record.msg or ""))
            self.stream.flush()
        except Exception:  # a message must never end a run
            self.handleError(record)

    def take(self, event: str, values: Mapping[str, Any], text: str) -> None:
        """Show a message, if it is for a person."""
        if event in ("job_error", "group_error"):
            self._show_failed(values)
        elif NOTHING in text:
            self.say(f"{NOTHING}: every result of experiment '{self.jobs.experiment.experiment}' is up to date.")
        elif event in ("", "error") and _is_news(text):
            self.say(text)

    def say(self, text: str) -> None:
        """Write text, in lines of its own."""
        self.stream.write(f"{printable(text)}\n")

    def _show_failed(self, values: Mapping[str, Any]) -> None:
        """Name the job that failed, and its log with the last lines."""
        for each in values.get("job_error_info") or [values]:
            logs = [str(path).removesuffix(" (update)") for path in each.get("log") or []]
            name = job_name(each, self.jobs)
            self.failed.add(name)
            self.say(f"failed: {name}" + (f"; its log: {', '.join(logs)}" if logs else ""))
            for path in logs:
                self.say("\n".join(f"  {line}" for line in last_lines(Path(path), FAILED_LINES) or ["(it is empty)"]))


def _is_news(text: str) -> bool:
    """Say whether a message of Snakemake says more than our own lines do."""
    return bool(text.strip()) and not text.startswith(PLAIN) and not any(part in text for part in REPEATED)


def job_name(values: Mapping[str, Any], jobs: Jobs) -> str:
    """Name a job of Snakemake as `aurl status` does: its stage, and the values of its wildcards."""
    wildcards = values.get("wildcards")
    if wildcards is not None:
        return " ".join([values["rule_name"], *map(str, dict(wildcards).values())])
    outputs = {str(path).removesuffix(" (update)") for path in values.get("output") or []}
    for job in jobs.all():
        if outputs & set(map(str, job.made)):
            return job.name
    return str(values["rule_name"])

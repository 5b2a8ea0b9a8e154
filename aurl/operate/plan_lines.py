"""Say before a dry run what would run, why, and which rows of the tables may change."""

from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from aurl.evaluation.labels import row_labels, test_set_labels
from aurl.experiment.changes import flatten
from aurl.lineage.blocks import block_or_none, code_digests, differing_keys
from aurl.lineage.following import MADE_WITH_OTHER, OTHER_INPUTS
from aurl.operate.run_count import earlier_seconds
from aurl.operate.snakemake_lines import Lines, job_name
from aurl.operate.status import BEHIND, survey
from aurl.pipeline.jobs import Job, Jobs
from aurl.system.progress import in_time
from aurl.system.terminal import counted, narrow_table, shortened, wrapped

FOLLOWS = "follows from the above"
MOST_REASONS = 4  # of one stage
LONGEST_VALUE = 30  # characters
BY_SNAKEMAKE = {  # what Snakemake says of a job that our own records take for done
    "Forced execution": "asked for",
    "Code has changed": "the rule has changed",
    "Params have changed": "the rule's parameters have changed",
    "Set of input files has changed": "it has other inputs",
    "Updated input files": "an input is newer",
    "Missing output files": "not made yet",
    "Incomplete output files": "an earlier run was killed while it made them",
}


class PlanLines(Lines):
    """Collect the jobs of a dry run, and show them at its end."""

    def __init__(self, jobs: Jobs, stream: TextIO) -> None:
        super().__init__(jobs, stream)
        self.planned: dict[str, str] = {}  # name -> Snakemake's reason
        self._shown = False

    def take(self, event: str, values: Mapping[str, Any], text: str) -> None:
        """Collect a job; show other messages."""
        if event == "job_info" and values["rule_name"] != "all":
            self.planned[job_name(values, self.jobs)] = str(values["reason"])
        else:
            super().take(event, values, text)

    def close(self) -> None:
        """Show what was collected."""
        if self.planned and not self._shown:
            self._shown = True
            for line in planned_lines(self.jobs, self.planned):
                self.say(line)
            self.stream.flush()
        super().close()


def planned_lines(jobs: Jobs, planned: Mapping[str, str]) -> Iterator[str]:
    """Yield the plan: stages, jobs and reasons; the rows that may change; the time.

    Args:
        planned: jobs by name, with Snakemake's own reason.
    """
    listed = [job for job in jobs.all() if job.name in planned]
    of_all = f"of {counted(len(list(jobs.all())), 'job')} of experiment '{jobs.experiment.experiment}'"
    yield f"{len(listed)} {of_all} would run:\n"
    rows = [(stage, str(number), why) for stage, number, why in _stages(jobs, listed, planned)]
    yield narrow_table(("stage", "jobs", "why"), [*rows, ("total", str(len(listed)), "")], left=("why",))
    yield ""
    yield from wrapped(f"{_changing_rows(jobs, listed)} {_time(jobs, listed)}".strip())
    yield "'snakemake -n -p' shows every job with its files, as Snakemake puts it."


def _stages(jobs: Jobs, listed: list[Job], planned: Mapping[str, str]) -> Iterator[tuple[str, int, str]]:
    """Yield each stage with the number of its planned jobs, and why they run."""
    ours = {status.job.name: status.reason for status in survey(jobs).jobs}
    reasons: dict[str, dict[str, None]] = {}
    for job in listed:
        why = _why(job, ours.get(job.name, ""), planned[job.name])
        reasons.setdefault(job.stage.name, {}).update(dict.fromkeys(why))
    said = {FOLLOWS}
    for stage, each in reasons.items():
        number = sum(job.stage.name == stage for job in listed)
        causes = [reason for reason in each if reason not in said] or [FOLLOWS]
        said.update(reason for reason in causes if "->" in reason or reason.startswith("code "))
        more = [f"and {len(causes) - MOST_REASONS} more"] if len(causes) > MOST_REASONS else []
        yield stage, number, "; ".join([*causes[:MOST_REASONS], *more])


def _why(job: Job, ours: str, theirs: str) -> list[str]:
    """Say why a job would run: the values and files that changed, or what Snakemake sees."""
    if ours.startswith(MADE_WITH_OTHER):
        return list(changes_of(job)) or [ours]
    if ours in (BEHIND, OTHER_INPUTS):
        return [FOLLOWS]
    if ours:
        return [ours]
    if theirs.startswith("Input files updated by another job"):
        return [FOLLOWS]
    return [next((words for start, words in BY_SNAKEMAKE.items() if start in theirs), theirs.partition(":")[0])]


def changes_of(job: Job) -> Iterator[str]:
    """Yield each parameter of a job that its block has otherwise, and each changed code file."""
    block = block_or_none(job.block)
    if block is None:
        return
    old, new = flatten(block.identity.settings), flatten(dict(job.values))
    yield from (f"{key}: {_short(old.get(key))} -> {_short(new.get(key))}" for key in differing_keys(old, new))
    yield from (f"code {file}" for file in differing_keys(code_digests(job.code), block.identity.code))


def _short(value: Any) -> str:
    return shortened("nothing" if value is None else str(value), LONGEST_VALUE)


def _changing_rows(jobs: Jobs, listed: list[Job]) -> str:
    """Name the rows and test sets whose numbers are measured anew."""
    labels, sets = row_labels(jobs.experiment), test_set_labels(jobs.experiment.report)
    measured = [job.wildcards for job in listed if "metrics" in job.stage.makes]
    rows = [job.wildcards["row"] for job in listed if job.stage.name == "external"]
    if not measured and not rows:
        return "No number of the tables changes."
    names = list(dict.fromkeys([*(str(each["variant"]) for each in measured), *map(str, rows)]))
    datasets = dict.fromkeys(str(each["dataset"]) for each in measured)
    where = " on " + " and ".join(sets.get(each, each) for each in datasets) if datasets else ""
    seeds = len({each["seed"] for each in measured})
    many = f" ({counted(seeds, 'seed')})" if seeds else ""
    which = "every row" if len(names) == len(labels) else ", ".join(labels.get(name, name) for name in names)
    return f"What may change in the tables: {which}{where}{many}; everything else stays."


def _time(jobs: Jobs, listed: list[Job]) -> str:
    """Estimate the time from jobs of the same stages."""
    seconds = earlier_seconds(jobs)
    known = [seconds[job.stage.name] for job in listed if job.stage.name in seconds]
    if not known:
        return ""
    about = "about" if len(known) == len(listed) else "at least"
    return f"Time: {about} {in_time(sum(known))} with one job at a time."

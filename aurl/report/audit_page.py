"""Write the page of an audit: the verdict, the graph from the cell to the videos, and every job with its evidence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from aurl.datasets.table import iterate_table
from aurl.evaluation.labels import counted, row_labels, test_set_labels
from aurl.lineage.blocks import block_or_none
from aurl.pipeline.jobs import Job, Jobs
from aurl.report.graph import Graph, Node, lay_out_graph
from aurl.report.intervals import Statistics
from aurl.report.render import render
from aurl.report.results import Results
from aurl.report.tables.base import Cell
from aurl.system.errors import AurlError
from aurl.system.files import write_text
from aurl.system.git import git_state

MOST_VIDEOS = 100  # of a dataset that the page names
Disagreement = tuple[str, bool]  # what was found, and whether it is a root


class Audited(Protocol):
    """A job as the audit saw it."""

    @property
    def job(self) -> Job:
        """Return the job."""

    @property
    def outputs(self) -> dict[str, str]:
        """Map what it made to its SHA-256."""

    @property
    def settings(self) -> dict[str, Any]:
        """Map the parameters that it depends on to their values."""

    @property
    def code(self) -> dict[str, str]:
        """Map its code files to their SHA-256."""

    @property
    def findings(self) -> Sequence[Any]:
        """List what disagrees."""


@dataclass(frozen=True)
class Subject:
    """Describe what was audited: its title, its value, and the command that repeats the audit."""

    title: str
    value: str
    command: str


@dataclass(frozen=True)
class Shown:
    """A job on the page.

    Attributes:
        anchor: its id.
        reads: path -> id of the job that made it; "" for a file from outside.
        circumstance: when, where and at what commit it ran; empty without a readable block.
        videos: the first videos of a dataset with their SHA-256. more: how many further ones there are.
    """

    anchor: str
    name: str
    audited: Audited
    reads: dict[str, str]
    circumstance: Mapping[str, Any]
    videos: list[tuple[str, str]]
    more: int


def write_audit_page(
    path: Path, jobs: Jobs, audited: Sequence[Audited], disagreements: Sequence[Disagreement], notes: Iterable[str],
    subject: Subject,
) -> None:  # fmt: skip
    """Write a page that needs no other file.

    Args:
        audited: in the order of the data. disagreements: roots first. notes: remarks that are no findings.
    """
    shown = _shown(audited)
    stages: dict[str, list[Shown]] = {}
    for job in shown:
        stages.setdefault(job.audited.job.stage.name, []).append(job)
    contents = [
        ("verdict", "Verdict", []),
        ("graph", "From videos to the number", []),
        ("jobs", "Jobs", [(f"stage-{stage}", stage) for stage in stages]),
    ]
    text = render(
        "audit.html.j2", contents=contents, subject=subject, disagreements=disagreements, notes=list(notes),
        stages=stages, graph=_graph(stages),
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), commit=git_state(), jobs=len(shown),
        artefacts=sum(len(job.audited.outputs) for job in shown), experiment=jobs.experiment.experiment,
    )  # fmt: skip
    write_text(path, text)


def subject_of(jobs: Jobs, table: str, cell: str | None) -> Subject:
    """Describe what an audit is about: a cell with its value, a table, or everything."""
    if table == "all":
        return Subject(f"Everything in {jobs.experiment.experiment}", "", "aurl audit --all")
    command = "aurl audit" + (f" {table}" if table != "ablation" else "")
    if cell is None:
        return Subject(f"The table {Path(table).stem} of {jobs.experiment.experiment}", "", command)
    variant, dataset, *seed = (part.strip() for part in cell.split(","))
    report, external = jobs.experiment.report, jobs.experiment.external
    labels = row_labels(jobs.experiment)
    title = f"{labels.get(variant, variant)} on {test_set_labels(report).get(dataset, dataset)}"
    title += f", seed {seed[0]}" if seed else ""
    clips = external[variant].clips if variant in external else report.ablation_clips
    return Subject(title, "" if seed else _value(jobs, variant, dataset, clips), f"{command} --cell {cell}")


def _value(jobs: Jobs, variant: str, dataset: str, clips: int) -> str:
    """Write top-1 over all classes as the ablation table does; nothing where it cannot be read."""
    try:
        measured = Results(jobs.paths.of("metrics_csv")).cell(variant, dataset, clips, 1, "top1")
        interval = Statistics(jobs.paths.of("statistics")).interval(variant, dataset, clips)
    except (AurlError, OSError):
        return ""
    text = Cell(measured, None, 1, interval).text()
    return f"{text} % top-1, all classes, {counted(clips, 'clip')} a video" if text else ""


def _shown(audited: Sequence[Audited]) -> list[Shown]:
    """Prepare the jobs, each with links to the jobs that it read from."""
    anchors = {str(path): f"job-{number}" for number, each in enumerate(audited) for path in each.job.made}
    shown = []
    for number, each in enumerate(audited):
        block = block_or_none(each.job.block)
        videos, more = _videos(each.job)
        reads = {str(path): anchors.get(str(path), "") for path in each.job.depends}
        circumstance = block.circumstance if block else {}
        shown.append(Shown(f"job-{number}", each.job.name, each, reads, circumstance, videos, more))
    return shown


def _videos(job: Job) -> tuple[list[tuple[str, str]], int]:
    """List the first videos of a dataset with their SHA-256, and count the others."""
    if job.stage.name != "ingest" or not job.outputs.listing.is_file():
        return [], 0
    try:
        rows = iterate_table(job.outputs.listing)
        listed = [(row["path"], row["sha256"]) for row in islice(rows, MOST_VIDEOS)]
        return listed, sum(1 for _ in rows)
    except (AurlError, KeyError):
        return [], 0


def _graph(stages: Mapping[str, Sequence[Shown]]) -> Graph:
    """Draw a box for each stage, green where its jobs agree, red where one does not."""
    stage_of = {job.anchor: stage for stage, jobs in stages.items() for job in jobs}
    nodes, edges = {}, set()
    for stage, members in stages.items():
        good = not any(job.audited.findings for job in members)
        nodes[stage] = Node(stage, counted(len(members), "job"), f"stage-{stage}", "good" if good else "bad")
        sources = {stage_of[anchor] for job in members for anchor in job.reads.values() if anchor}
        edges |= {(source, stage) for source in sources if source != stage}
    return lay_out_graph(nodes, edges)

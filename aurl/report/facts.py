"""Gather how an experiment was made, as plain values for the page."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from aurl.experiment.changes import describe_changes
from aurl.experiment.presets import find_preset
from aurl.lineage.blocks import Block, read_block
from aurl.lineage.dvc_lock import Lock
from aurl.pipeline.jobs import Jobs
from aurl.system.git import git_state
from aurl.system.json_files import write_json

AUDIT = "audit.json"  # below the experiment's results


@dataclass(frozen=True)
class Verdict:
    """The result of an audit in one line, with its findings; `agrees` is None where none was made."""

    agrees: bool | None
    summary: str
    findings: list[str]


@dataclass(frozen=True)
class AuditFile:
    """The contents of `audit.json`: a verdict, and path -> SHA-256 of every artefact that was audited."""

    verdict: Verdict
    outputs: dict[str, str]


@dataclass(frozen=True)
class PageFacts:
    """Hold how the experiment was made, as plain values.

    Attributes:
        written: date and time of the page.
        params: the whole experiment.
        preset: name of the preset that the experiment is compared with, None if there is none of its name.
        changes: the differences from it, one line each.
        stages: stage -> number of jobs, in order.
        edges: (stage, stage that reads from it).
        artefacts: (variant, dataset) -> the metrics file of each seed.
        commit: the commit and whether tracked files differ from it; empty outside of git.
    """

    written: str
    params: dict[str, Any]
    preset: str | None
    changes: list[str]
    stages: dict[str, int]
    edges: set[tuple[str, str]]
    artefacts: dict[tuple[str, str], list[str]]
    commit: dict[str, Any]
    verdict: Verdict


def blocks_of(jobs: Jobs) -> list[Block]:
    """Read the blocks of every job but the page's own. Raises: AurlError for a damaged one."""
    return [read_block(job.block) for job in jobs.all() if job.stage.repeats and job.block.is_file()]


def facts_of(jobs: Jobs, blocks: list[Block]) -> PageFacts:
    """Gather parameters, stages, lineage, commit and the last audit's verdict."""
    experiment = jobs.experiment
    preset = find_preset(experiment.experiment)
    stages: dict[str, int] = {}
    maker: dict[Path, str] = {}
    edges = set()
    for job in jobs.all():
        name = job.stage.name
        stages[name] = stages.get(name, 0) + 1
        edges |= {(maker[path], name) for path in job.depends if path in maker}
        maker |= dict.fromkeys(job.made, name)
    artefacts: dict[tuple[str, str], list[str]] = {}
    for row in jobs.rows("cells"):
        path = jobs.paths.of("metrics", **row)
        artefacts.setdefault((row["variant"], row["dataset"]), []).append(path.as_posix())
    for name, dataset in jobs.outside_cells():
        artefacts[name, dataset] = [jobs.paths.of("external_metrics", row=name).as_posix()]
    return PageFacts(
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        params=experiment.model_dump(mode="json"),
        preset=experiment.experiment if preset else None,
        changes=list(describe_changes(preset, experiment)) if preset else [],
        stages=stages,
        edges=edges,
        artefacts=artefacts,
        commit=git_state(),
        verdict=last_verdict(jobs, blocks),
    )


def write_verdict(root: Path, verdict: Verdict, outputs: dict[str, str]) -> None:
    """Keep an audit's verdict for the page; `root` is the folder of the experiment's results."""
    write_json(root / AUDIT, asdict(AuditFile(verdict, outputs)))


def last_verdict(jobs: Jobs, blocks: list[Block]) -> Verdict:
    """Return the last audit's verdict if it is about these very artefacts; otherwise say what dvc.lock knows."""
    outputs = {path: digest for block in blocks for path, digest in block.outputs.items()}
    try:
        kept = TypeAdapter(AuditFile).validate_json((jobs.paths.root / AUDIT).read_bytes(), strict=True)
        if kept.outputs == outputs:
            return kept.verdict
    except (OSError, ValueError):
        pass  # there is none, or it is damaged: nothing was audited
    lock = Lock.read()
    expected = [str(path) for job in jobs.all() if job.stage.repeats for path in job.made]
    known = sum(lock.stage_of(path) is not None for path in expected)
    summary = f"Not audited when this page was made; dvc.lock knew {known} of {len(expected)} artefacts."
    if known < len(expected):
        summary = f"Not recorded yet: {summary[0].lower()}{summary[1:]}"
    return Verdict(None, summary, [])

"""How an experiment was made, gathered as plain values for the report's page."""

from datetime import UTC, datetime

from aurl.audit.audit import Audit
from aurl.audit.report import as_text
from aurl.experiment.changes import describe_changes
from aurl.experiment.read import load_experiment
from aurl.lineage.blocks import git_state
from aurl.lineage.dvc_lock import Lock
from aurl.lineage.read_blocks import Block, read_blocks
from aurl.operate.presets import PRESETS
from aurl.pipeline.jobs import Jobs
from aurl.report.making import Making, Verdict
from aurl.system.digests import Digests


def blocks_of(jobs: Jobs) -> list[Block]:
    """The blocks of every job but the report's own. Raises: AurlError for a damaged one."""
    blocks = [jobs.block(job) for job in jobs.all() if job.stage != "report"]
    return read_blocks(path for path in blocks if path.is_file())


def making_of(jobs: Jobs, verdict: Verdict | None) -> Making:
    """What the page tells of parameters, stages, lineage, commit and audit.

    Args:
        verdict: of an audit that was just made; None where there was none.
    """
    experiment = jobs.experiment
    preset = PRESETS / f"{experiment.experiment}.yaml"
    has_preset = preset.is_file()
    stages: dict[str, int] = {}
    maker: dict[object, str] = {}
    edges = set()
    for job in jobs.all():
        stages[job.stage] = stages.get(job.stage, 0) + 1
        edges |= {(maker[path], job.stage) for path in job.inputs if path in maker}
        maker |= dict.fromkeys(job.outputs, job.stage)
    artefacts: dict[tuple[str, str], list[str]] = {}
    for variant, seed, dataset in jobs.cells():
        artefacts.setdefault((variant, dataset), []).append(jobs.paths.metrics(variant, seed, dataset).as_posix())
    return Making(
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        params=experiment.model_dump(mode="json"),
        preset=experiment.experiment if has_preset else None,
        changes=list(describe_changes(load_experiment(preset), experiment)) if has_preset else [],
        stages=stages,
        edges=edges,
        artefacts=artefacts,
        commit=git_state(),
        verdict=verdict or not_audited(jobs),
    )


def audited(jobs: Jobs) -> Verdict:
    """Audit every artefact but the page itself, and tell what was found."""
    report = Audit(jobs.experiment, Digests()).run([job for job in jobs.all() if job.stage != "report"])
    *_, told = as_text(report, chain=False).splitlines()
    return Verdict(not report.findings(), told, [str(finding) for finding, root in report.findings() if root])


def not_audited(jobs: Jobs) -> Verdict:
    """How much of the experiment dvc.lock knows, where no audit was made."""
    lock = Lock.read()
    outputs = [str(path) for job in jobs.all() if job.stage != "report" for path in job.outputs]
    known = sum(lock.stage_of(path) is not None for path in outputs)
    told = f"Not audited when this page was made; dvc.lock knew {known} of {len(outputs)} artefacts."
    if known < len(outputs):
        told = f"Not recorded yet: {told[0].lower()}{told[1:]}"
    return Verdict(None, told, [])

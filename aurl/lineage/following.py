"""Say by its block whether a finished job follows from the present parameters, code and inputs."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from aurl.lineage.blocks import Block, blocks_by_output, differing_keys, digests_by_code
from aurl.pipeline.jobs import Job, Jobs
from aurl.system.errors import AurlError

MADE_WITH_OTHER = "made with other"
OTHER_INPUTS = "made from other inputs"
FOREIGN = "foreign"  # folder below an experiment's results for those that were set aside


def difference(job: Job, block: Block, code: Mapping[str, str]) -> str:
    """Say which parameters or code files differ from those in a job's block; empty if none does."""
    identity = block.identity
    for kind, present, recorded in (("values", job.values, identity.settings), ("versions", code, identity.code)):
        if differing := differing_keys(present, recorded):
            return f"{MADE_WITH_OTHER} {kind} of {', '.join(differing)}"
    return ""


def has_other_inputs(job: Job, block: Block, makers: Mapping[Path, Block | None]) -> bool:
    """Say whether a block records other inputs than the job has, or than the blocks of the inputs record."""
    recorded = block.identity.inputs
    outputs = {str(path): maker.outputs.get(str(path)) for path in job.depends if (maker := makers.get(path))}
    return recorded.keys() != set(map(str, job.depends)) or not outputs.items() <= recorded.items()


def check_ancestors(jobs: Jobs, job: Job) -> None:
    """Refuse inputs that do not follow from the present parameters, code and inputs.

    Raises: AurlError that names the first of them, in the order of the data. A result without a block passes here: its
        stage did not end, or Snakemake makes it.
    """
    ancestors = [each for each in jobs.behind(job) if each.block != job.block]
    for each, reason in _differing(ancestors, blocks_by_output(ancestors)):
        raise AurlError(f"{each.made[0]}: {reason} than the present ones; run 'snakemake', which makes it again")


def set_aside_foreign(jobs: Jobs) -> Iterator[str]:
    """Set aside results that were made by hand under other parameters.

    Yields a line for each. Snakemake did not see such a result being made, so it takes it for the present one. Where it
    is gone, Snakemake makes it. Nothing is lost: the files lie below `foreign/`, with their provenance block.
    """
    for job, reason in list(_foreign(jobs)):
        for path in (*job.made, job.block):
            _move(path, jobs.paths.root / FOREIGN / path.relative_to(jobs.paths.root))
        yield f"{job.made[0]}: {reason}, by hand; moved below {jobs.paths.root / FOREIGN}, Snakemake makes it anew"


def missing_outputs(jobs: Jobs) -> list[Path]:
    """List outputs that are gone: of jobs that were set aside, or whose other outputs are here.

    Snakemake itself does not miss a file that only finished jobs read. A job of which nothing is here was never run, or
    its results were not fetched: that is left to Snakemake.
    """
    root = jobs.paths.root
    missing: list[Path] = []
    for job in jobs.all():
        outputs = (*job.made, job.block)
        gone = [path for path in outputs if not path.exists()]
        if len(gone) < len(outputs) or (root / FOREIGN / job.block.relative_to(root)).exists():
            missing += gone
    return missing


def check_foreign(jobs: Jobs) -> None:
    """Refuse results that were made by hand under other parameters.

    Raises: AurlError that names the first.
    """
    for job, reason in _foreign(jobs):
        raise AurlError(
            f"{job.made[0]}: {reason} than the present ones, by hand; run 'snakemake', which makes it again"
        )


def _foreign(jobs: Jobs) -> Iterator[tuple[Job, str]]:
    listed = list(jobs.all())
    blocks = blocks_by_output(listed)
    by_hand = [job for job in listed if (block := blocks[job.made[0]]) and block.circumstance.get("run_by") == "hand"]
    return _differing(by_hand, blocks)


def _differing(listed: list[Job], blocks: Mapping[Path, Block | None]) -> Iterator[tuple[Job, str]]:
    """Yield the jobs whose block does not follow from the present parameters, code and inputs, with the difference."""
    code = digests_by_code(listed)
    for job in listed:
        block = blocks[job.made[0]]
        if block is None:
            continue
        reason = difference(job, block, code[job.code])
        if reason or has_other_inputs(job, block, blocks):
            yield job, reason or OTHER_INPUTS


def _move(path: Path, target: Path) -> None:
    if path.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)

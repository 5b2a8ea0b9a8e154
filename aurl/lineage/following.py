"""Say by its block whether a finished job follows from the present parameters, code and inputs."""

import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from aurl.lineage.blocks import Block, block_or_none, code_digests, differing_keys
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
    makers = jobs.makers()
    waiting, ancestors = list(job.depends), set()
    while waiting:
        maker = makers.get(waiting.pop())
        if maker is not None and maker.block not in ancestors:
            ancestors.add(maker.block)
            waiting += maker.depends
    in_order = [each for each in jobs.all() if each.block in ancestors]
    blocks = {path: block_or_none(each.block) for each in in_order for path in each.made}
    for each in in_order:
        if reason := _reason(each, blocks):
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


def set_aside(jobs: Jobs) -> list[Path]:
    """List the outputs that were set aside and not made since, so that a run asks for them."""
    root = jobs.paths.root
    aside = [job for job in jobs.all() if (root / FOREIGN / job.block.relative_to(root)).exists()]
    return [path for job in aside for path in job.made if not path.exists()]


def check_foreign(jobs: Jobs) -> None:
    """Refuse results that were made by hand under other parameters.

    Raises: AurlError that names the first.
    """
    for job, reason in _foreign(jobs):
        raise AurlError(
            f"{job.made[0]}: {reason} than the present ones, by hand; run 'snakemake', which makes it again"
        )


def _foreign(jobs: Jobs) -> Iterator[tuple[Job, str]]:
    makers = {path: block_or_none(job.block) for job in jobs.all() for path in job.made}
    for job in jobs.all():
        block = makers[job.made[0]]
        if block is not None and block.circumstance.get("run_by") == "hand" and (reason := _reason(job, makers)):
            yield job, reason


def _move(path: Path, target: Path) -> None:
    if path.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)


def _reason(job: Job, makers: Mapping[Path, Block | None]) -> str:
    block = makers[job.made[0]]
    if block is None:
        return ""
    reason = difference(job, block, digests_of(tuple(job.code)))
    return reason or (OTHER_INPUTS if has_other_inputs(job, block, makers) else "")


@cache  # many jobs share a stage and its code
def digests_of(code: tuple[str, ...]) -> dict[str, str]:
    """Map each code file to its SHA-256, once in a process."""
    return code_digests(code)

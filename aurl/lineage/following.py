"""Compare finished jobs with the present parameters, code and inputs."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from aurl.lineage.blocks import Block, block_or_none, code_digests, differing_keys
from aurl.pipeline.jobs import Job, Jobs
from aurl.system.errors import AurlError

MADE_WITH_OTHER = "made with other"
OTHER_INPUTS = "made from other inputs"
FOREIGN = "foreign"  # folder below an experiment's results for the blocks of results that were set aside


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
    """Refuse inputs that were made under other parameters, by other code or from other inputs than the present ones.

    Raises: AurlError that names the first of them, in the order of the data. A result without a block passes here: its
        stage did not end, or Snakemake makes it.
    """
    makers = jobs.makers()
    waiting, ancestors = list(job.depends), {}
    while waiting:
        maker = makers.get(waiting.pop())
        if maker is not None and maker.block not in ancestors:
            ancestors[maker.block] = maker
            waiting += maker.depends
    blocks = {path: block_or_none(maker.block) for maker in ancestors.values() for path in maker.made}
    for each in reversed(ancestors.values()):
        if reason := _reason(each, blocks):
            raise AurlError(f"{each.made[0]}: {reason} than the present ones; run 'snakemake', which makes it again")


def set_aside_foreign(jobs: Jobs) -> Iterator[str]:
    """Set aside the blocks of results that were made by hand under other parameters; yield a line for each.

    Snakemake did not see such a result being made, so it takes it for the present one. Without its block, Snakemake makes
    it again. The result itself stays until then.
    """
    makers = {path: block_or_none(job.block) for job in jobs.all() for path in job.made}
    for job in jobs.all():
        block = makers[job.made[0]]
        if block is None or block.circumstance.get("run_by") != "hand":
            continue
        if reason := _reason(job, makers):
            aside = jobs.paths.root / FOREIGN / job.block.relative_to(jobs.paths.root)
            aside.parent.mkdir(parents=True, exist_ok=True)
            job.block.rename(aside)
            yield f"{job.made[0]}: {reason}, by hand; it is made again (its provenance block is now {aside})"


def _reason(job: Job, makers: Mapping[Path, Block | None]) -> str:
    block = makers[job.made[0]]
    if block is None:
        return ""
    reason = difference(job, block, code_digests(job.code))
    return reason or (OTHER_INPUTS if has_other_inputs(job, block, makers) else "")

"""Run a job under its lock, from checked inputs, and leave its provenance block."""

import os
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from aurl.lineage.blocks import identity_of, recorded_outputs, write_block
from aurl.lineage.following import check_ancestors
from aurl.lineage.reuse import take_over
from aurl.pipeline.jobs import Job, Jobs
from aurl.pipeline.run import device_of, load_stage, run_job, seeds_of
from aurl.system.digests import Digests
from aurl.system.errors import AurlError
from aurl.system.files import files_below
from aurl.system.locks import exclusive, last_attempt, maker
from aurl.system.progress import log

TOGETHER_SECONDS = 2.0  # a job writes its outputs and its block within this time


def run_recorded(jobs: Jobs, job: Job, workers: int = 1) -> None:
    """Run a job and write its block; of several processes of one job the first one writes it.

    Raises: AurlError for bad or damaged input, OSError where results cannot be written.
    """
    first = os.environ.get("RANK", "0") == "0"
    with exclusive(job.block) if first else nullcontext():
        check_ancestors(jobs, job)
        load_stage(job.stage)
        identity = identity_of(job, seeds_of(job), device_of(job, jobs.experiment))
        check_inputs(jobs, job, identity.inputs, Digests())
        if "RANK" not in os.environ and (origin := take_over(job, identity)):
            log(f"{job.stage.name}: taken from {job.root.parent / origin}, made from equal inputs, settings and code")
            return
        run_job(replace(job, workers=workers, identity=identity.digest()))
        if first:
            write_block(job.block, identity, job.made)


def check_inputs(jobs: Jobs, job: Job, inputs: Mapping[str, str], digests: Digests) -> None:
    """Refuse inputs that are not what their stages made.

    Args:
        inputs: path -> SHA-256 of the file on disk.
    Raises:
        AurlError: an input, or a shard of a frame index, is missing or differs from the block of its job.
    """
    makers = jobs.makers()
    for path in job.depends:
        source = makers.get(path)
        if source is None:
            continue
        _refuse_damaged(path, recorded_outputs(source.block).get(path), inputs[path.as_posix()])
        if source.stage.name == "frames_index":
            _check_shards(source, makers, digests)


def damaged_results(jobs: Jobs) -> Iterator[str]:
    """Find damaged results; yield a line for each, with what to do.

    An output is read only where its file changed after its block was written, and where that state was not read before:
    a run that has nothing to do reads no data. A job whose last attempt did not end is Snakemake's to repeat.
    """
    digests = Digests()
    for job in jobs.all():
        if not job.block.is_file() or maker(job.block) is not None or last_attempt(job.block) is not None:
            continue
        recorded = recorded_outputs(job.block)
        if recorded.keys().isdisjoint(job.made):  # a stage that makes other files today (a new table) is out of date
            yield _damaged(job.block, "is not the provenance block of its job")
            continue
        for path in filter(recorded.__contains__, job.made):
            if is_damaged(path, recorded[path], job.block, digests):
                yield _damaged(path, f"is not what its provenance block records ({recorded[path][:12]})")
    digests.save()


def _check_shards(index: Job, makers: Mapping[Path, Job], digests: Digests) -> None:
    """Check the shards behind a frame index; a shard is read only where its file changed after its block."""
    for shard in index.depends:
        if not shard.exists():
            raise AurlError(f"{shard}: missing; 'snakemake --forcerun frames_index' extracts it again")
        block = makers[shard].block
        recorded = recorded_outputs(block).get(shard)
        if is_damaged(shard, recorded, block, digests):
            _refuse_damaged(shard, recorded, digests.of(shard).sha256)


def is_damaged(path: Path, recorded: str | None, block: Path, digests: Digests) -> bool:
    """Say whether an output that exists holds other bytes than its block records."""
    if recorded is None or not path.exists():
        return False
    written = block.stat()
    files = files_below(path) if path.is_dir() else [path]
    if not all(file.is_file() for file in files):  # reading a pipe would wait for its writer
        return True
    stats = [file.stat() for file in files]
    apart = [max(abs(at.st_mtime - written.st_mtime), abs(at.st_ctime - written.st_ctime)) for at in stats]
    return max(apart, default=0) > TOGETHER_SECONDS and digests.of(path).sha256 != recorded


def _refuse_damaged(path: Path, recorded: str | None, on_disk: str) -> None:
    if recorded is not None and recorded != on_disk:
        raise AurlError(
            _damaged(path, f"is not what its provenance block records ({recorded[:12]}, on disk is {on_disk[:12]})")
        )


def _damaged(path: Path, reason: str) -> str:
    return f"{path}: damaged: it {reason}; restore it ('dvc checkout --force {path}'), or delete it and run 'snakemake'"

"""Finished results that are no longer what their stage made: found before a run, restored or made again, and said.

An output is read again only where its inode changed after its provenance block was written (a job's outputs and its
block are finished in the same moment) and where that state was not read before: a run that finds nothing to do reads
no data. What every job reads is besides compared with the block of the job that made it (`check_inputs`).
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from aurl.lineage.dvc_lock import Lock
from aurl.operate.status import mark_started, started_marker
from aurl.pipeline.jobs import Job, Jobs
from aurl.pipeline.stages import stage_code
from aurl.system.digests import Digests
from aurl.system.errors import AurlError
from aurl.system.files import SNAKEMAKE_STAMP, copy_file, digest, files_below
from aurl.system.locks import maker

TOGETHER_SECONDS = 2.0  # within which a job's outputs and its block are written and touched
FUTURE_SECONDS = 2.0  # a clock is not called wrong for less


def mend_before_run(jobs: Jobs, act: bool, again: Callable[[list[Path]], bool]) -> Iterator[str]:
    """What `pull_back_future` and `mend` do, with the digests that are kept; and whether results can be written."""
    if act and jobs.paths.root.is_dir() and not os.access(jobs.paths.root, os.W_OK):
        yield f"{jobs.paths.root}: not writable (a read-only file system, or another owner): nothing new can be made"
        return
    yield from pull_back_future(jobs, act)
    yield from mend(jobs, Digests(), act, again)


def mend(jobs: Jobs, digests: Digests, act: bool, again: Callable[[list[Path]], bool]) -> Iterator[str]:
    """Find damaged results before a run; yields a line for each.

    A damaged file is taken from DVC's cache where that holds what its stage made. Otherwise it is copied below
    `damaged/` in the experiment's results, marked as Snakemake marks what a killed run began, and made again before the
    run: it comes out equal, so that nothing that follows from it is made again. Jobs that did not end are left to
    Snakemake, which makes them again by itself; but not a shard that was deleted for that when everything after it is
    finished, so such a shard is made again here, too.

    Args:
        act: False only tells.
        again: makes outputs that are marked; returns whether that succeeded.
    """
    lock: Lock | None = None
    marked: dict[str, list[Path]] = {}
    for job in jobs.all():
        block = jobs.block(job)
        if maker(block) is not None:
            continue
        if started_marker(block).exists():
            missing = [path for path in job.outputs if not path.exists()]
            if act and job.stage == "frames" and missing and jobs.paths.frames_index(job.wildcards["dataset"]).exists():
                missing[0].touch()  # Snakemake makes again what is marked and there
                marked.setdefault(job.stage, []).append(missing[0])
            continue
        if not block.is_file():
            continue
        told = told_outputs(block)
        broken = [(path, told[path]) for path in job.outputs if _changed(path, told.get(path), block, digests)]
        if told.keys() != set(job.outputs):
            broken = [(block, "")]
        for path, sha256 in broken:
            what = f"its provenance block tells of {sha256[:12]}" if sha256 else "not the provenance block of its job"
            lock = lock or _lock()
            if not act:
                yield f"{path}: damaged ({what}); the next run restores it or makes it again, before anything else"
            elif _restore(path, sha256, lock, digests):
                yield f"{path}: damaged ({what}); restored from DVC's cache"
            else:
                aside = _copy_aside(path, jobs.paths.root) if path.is_file() else None
                mark_started(path)
                marked.setdefault(job.stage, []).append(path)
                yield f"{path}: damaged ({what}); made again" + (
                    f", the damaged one is kept as {aside}" if aside else ""
                )
    digests.save()
    for paths in marked.values():  # stage by stage: what reads an output that comes out equal is not made again
        if not again(paths):
            yield f"{len(paths)} damaged results could not be made again, first {paths[0]}; why is told above"


def pull_back_future(jobs: Jobs, act: bool = True) -> Iterator[str]:
    """Give files that lie in the future (the clock was set back) the present time; yields a line if there are any.

    Snakemake fails a job whose outputs are older than its inputs or code. Their order in time does not matter: what
    they were made from is compared by content.
    """
    now, listed = time.time(), list(jobs.all())
    paths = {path for job in listed for path in (*job.outputs, jobs.block(job), *job.inputs)}
    paths |= {Path(path) for stage in {job.stage for job in listed} for path in stage_code(stage)}
    stamped = [path / SNAKEMAKE_STAMP if path.is_dir() else path for path in paths]
    ahead = [path for path in {*paths, *stamped} if _mtime(path) > now + FUTURE_SECONDS]
    if ahead:
        furthest = max(map(_mtime, ahead)) - now
        yield (
            f"{len(ahead)} files lie up to {furthest:.0f} s in the future, first {min(ahead)}: was the clock set back?"
            + ("; they are given the present time" if act else "")
        )
    for path in ahead if act else ():
        try:
            os.utime(path)
        except OSError as error:
            yield f"{path}: keeps its time ({error.strerror}); jobs that read it fail until then"


def check_inputs(jobs: Jobs, job: Job, inputs: Mapping[str, str], digests: Digests) -> None:
    """Refuse inputs that are not what their stages made.

    Args:
        inputs: path -> SHA-256 of what lies there now.
    Raises:
        AurlError: an input, or a shard of a frame index, is missing or differs from what the block of its job tells.
    """
    made_by = {path: other for other in jobs.all() for path in other.outputs}
    for path in job.inputs:
        other = made_by.get(path)
        if other is None:
            continue
        _refuse_other(path, told_outputs(jobs.block(other)).get(path), inputs[path.as_posix()])
        if other.stage == "frames_index" and job.stage in ("train", "features", "figures"):
            for shard in other.inputs:
                if not shard.exists():
                    raise AurlError(
                        f"{shard}: missing; 'snakemake --forcerun frames_index' makes what is missing again"
                    )
                block = jobs.block(made_by[shard])
                told = told_outputs(block).get(shard)
                if _changed(shard, told, block, digests):
                    _refuse_other(shard, told, digests.of(shard).sha256)


def told_outputs(block: Path) -> dict[Path, str]:
    """Output -> SHA-256, as a provenance block tells; empty where it is missing or unreadable."""
    try:
        return {Path(path): str(sha256) for path, sha256 in json.loads(block.read_text())["outputs"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _refuse_other(path: Path, told: str | None, found: str) -> None:
    if told is not None and told != found:
        raise AurlError(
            f"{path}: damaged: its provenance block tells of {told[:12]}, on disk is {found[:12]}; run 'snakemake', which"
            " restores it or makes it again"
        )


def _changed(path: Path, told: str | None, block: Path, digests: Digests) -> bool:
    """Whether an output that is there holds other bytes than its block tells."""
    if told is None or not path.exists():
        return False
    finished = block.stat()
    files = files_below(path) if path.is_dir() else [path]
    if not all(file.is_file() for file in files):  # a pipe, say, which reading would wait for
        return True
    together = all(_together(file.stat(), finished) for file in files)
    return not together and digests.of(path).sha256 != told


def _together(one: os.stat_result, other: os.stat_result) -> bool:
    times = (one.st_mtime - other.st_mtime, one.st_ctime - other.st_ctime)
    return max(map(abs, times)) <= TOGETHER_SECONDS


def _restore(path: Path, told: str, lock: Lock, digests: Digests) -> bool:
    """Put back what DVC's cache holds of an output, if that is what its block tells (any record, of a block)."""
    recorded = lock.md5(str(path))
    if recorded is None:
        return False
    folder = recorded.endswith(".dir")
    wanted = {path / name: md5 for name, md5 in lock.listing(recorded).items()} if folder else {path: recorded}
    for file, md5 in wanted.items():
        cached = lock.cached(md5)
        if not cached.is_file() or digests.of(cached).md5 != md5:
            return False
        if not folder and told and digests.of(cached).sha256 != told:
            return False
        if not file.is_file() or digests.of(file).md5 != md5:
            copy_file(cached, file)
    return digest(path) == told if told else bool(told_outputs(path))


def _copy_aside(path: Path, root: Path) -> Path:
    aside = root / "damaged" / path.relative_to(root)
    copy_file(path, aside)
    return aside


def _lock() -> Lock:
    try:
        return Lock.read()
    except AurlError:
        return Lock("")


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0

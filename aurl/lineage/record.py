"""Record a finished experiment in dvc.lock, and bring a recorded one back."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from aurl.lineage.dvc import Status, changes, commit_changed, drop_damaged, dvc, status
from aurl.lineage.dvc_lock import Lock
from aurl.lineage.following import check_foreign
from aurl.pipeline.dvc_yaml import refresh
from aurl.pipeline.jobs import Jobs
from aurl.system.digests import Digests
from aurl.system.errors import AurlError
from aurl.system.terminal import counted


def record_experiment(jobs: Jobs, accept: bool = False) -> Iterator[str]:
    """Commit the stages that changed since they were last recorded; never runs git.

    Args:
        accept: also record outputs that changed although nothing they depend on did.
    Raises:
        AurlError: Snakemake has work left, an output was changed by something else than its stage, or a stage was run by
            hand under other parameters.
    """
    experiment = jobs.experiment.experiment
    check_foreign(jobs)
    if refresh(jobs.experiment):
        yield "dvc.yaml did not follow from the stages of this code: it was written anew"
    with ThreadPoolExecutor(1) as beside:  # Snakemake plans in its own process while DVC reads its lock in this one
        finished = beside.submit(nothing_to_do)

        def refuse(changed: Status) -> None:
            """Raise AurlError for work that Snakemake has left, and for changes that nothing explains."""
            if not finished.result():
                raise AurlError(
                    f"experiment '{experiment}' is not finished: run 'snakemake' first ('snakemake -n' shows what is left)"
                )
            suspicious = [] if accept else unexplained(changed)
            if suspicious:
                raise AurlError(
                    f"{len(suspicious)} recorded outputs changed although nothing they depend on did, first"
                    f" {suspicious[0]}; run 'dvc checkout --force PATH' to restore it, or 'aurl record --accept' if you"
                    " mean it"
                )

        recorded = commit_changed(Digests(), refuse)
    if recorded:
        yield f"recorded {counted(len(recorded), 'stage')} of experiment '{experiment}' in dvc.lock"
    else:
        yield "nothing has changed since the last record"
    if jobs.missing:
        yield f"what waits for {', '.join(jobs.missing)} is not recorded"
    yield f"to keep it in git: git add dvc.lock dvc.yaml params.yaml && git commit -m 'Record {experiment}'"


def sync_experiment(experiment: str, pull: bool = True, partial: bool = False) -> Iterator[str]:
    """Fetch the recorded results and mark them as up to date for Snakemake.

    Args:
        partial: allow missing data: stages that depend on it are not reported as missing.
    Raises: AurlError if the results here differ from those that dvc.lock records.
    """
    stages = [name for name in Lock.read().stages if f"{name.partition('@')[2]}-".startswith(f"{experiment}-")]
    for pulled in range(3):  # a pull that broke off may have left damage, and so may this one
        dropped = drop_damaged(stages, Digests())
        if dropped and pulled == 2:
            raise AurlError(
                f"DVC's remote: {counted(len(dropped), 'object')} damaged again and again, first {dropped[0]}; delete"
                " them there and run 'dvc push' where they are whole"
            )
        if dropped:
            number = counted(len(dropped), "damaged object")
            yield f"DVC's cache: {number}, first {dropped[0][:12]}, removed, to be fetched again"
        if not pull or (pulled and not dropped):
            break
        _pull(stages)
    differing = status(waiting=not partial)
    if differing:
        raise AurlError(
            f"{counted(len(differing), 'stage')} not as dvc.lock has it, first {next(iter(differing))}; 'dvc status'"
            " shows how, 'dvc checkout --force' restores what is recorded"
        )
    done = subprocess.run(["snakemake", "--touch", "--quiet", "all"], capture_output=True, text=True)
    if done.returncode or not nothing_to_do():
        raise AurlError(f"'snakemake --touch' did not bring experiment '{experiment}' up to date: {done.stderr[-500:]}")
    yield f"experiment '{experiment}' is as dvc.lock records it"


def _pull(stages: list[str]) -> None:
    """Fetch what the cache lacks. Raises: AurlError, which says first if there is no remote to fetch from."""
    try:
        dvc("pull")
    except AurlError:
        if dvc("remote", "list").strip():
            raise
        lock = Lock.read()
        md5s = [md5 for stage in stages for md5 in lock.stages[stage].outs.values()]
        absent = sum(not lock.cached(md5).is_file() for md5 in md5s)
        raise AurlError(
            f"no DVC remote is configured, and the cache lacks {absent} of {len(md5s)} results: 'snakemake' makes them, or"
            " name the remote that holds them ('dvc remote add --default NAME URL', docs/how-to/remote.md)"
        ) from None


def unexplained(changed: Status) -> list[str]:
    """List outputs that differ from their record although their stage's dependencies and command do not.

    Provenance blocks and the page do not count: they hold times, so a repeated run with equal results changes them.
    """
    return [
        path
        for stage_changes in changed.values()
        if not changes(stage_changes, "changed deps") and "changed command" not in stage_changes
        for path, change in changes(stage_changes, "changed outs").items()
        if change != "not in cache"  # the cache lost it: the file here is as it was recorded
        and "/provenance/" not in path
        and not path.endswith("/report.html")
    ]


def nothing_to_do() -> bool:
    """Ask Snakemake if every result is present and up to date.

    Raises: AurlError if Snakemake cannot even plan.
    """
    done = subprocess.run(["snakemake", "--dry-run"], capture_output=True, text=True)
    if done.returncode:
        raise AurlError(f"'snakemake --dry-run' failed: {' '.join(done.stderr.split())[-600:]}")
    return "Nothing to be done" in done.stdout + done.stderr

"""Run one stage again, with what follows from it, and show what that changed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from aurl.evaluation import schema
from aurl.operate.proposed import changed_top1, read_top1
from aurl.pipeline.jobs import Job, Jobs
from aurl.system.digests import Digests
from aurl.system.errors import AurlError, choices
from aurl.system.progress import track
from aurl.system.terminal import counted

FEW = 3  # changed artefacts that are named


def choose(jobs: Jobs, stage: str, **wildcards: str | int | None) -> list[Job]:
    """List the jobs of a stage with the given wildcards (those that are None may be anything).

    Raises: AurlError for an unknown stage, or if no job fits.
    """
    known = list(dict.fromkeys(job.stage.name for job in jobs.all()))
    if stage not in known:
        raise AurlError(f"unknown stage '{stage}'; {choices(stage, known)}")
    wanted = {name: value for name, value in wildcards.items() if value is not None}
    chosen = [job for job in jobs.all() if job.stage.name == stage and wanted.items() <= job.wildcards.items()]
    if not chosen:
        raise AurlError(f"stage '{stage}' has no job with {wanted}; 'aurl status' and params.yaml show what there is")
    return chosen


def rerun(jobs: Jobs, chosen: list[Job], everything: bool = False) -> Iterator[str]:
    """Force the chosen jobs and what follows; yields what changed, top-1 last.

    Args:
        everything: also every artefact and every number that changed.
    Raises: AurlError if the run fails.
    """
    metrics, ablation = jobs.paths.of("metrics_csv"), jobs.paths.of("ablation_csv")
    before, table, cells, top1 = _digests(jobs), _read(metrics), _read_table(ablation), read_top1(jobs)
    yield from _first_run(jobs, chosen)
    outputs = [str(path) for job in chosen for path in job.made]
    done = subprocess.run(["snakemake", "--forcerun", *outputs, "--"])
    if done.returncode:
        raise AurlError(
            f"the run failed; its log is above, earlier results are as they were ({counted(len(chosen), 'job')} forced)"
        )
    after = _digests(jobs)
    changed = [path for path, digest in after.items() if before.get(path) != digest]
    yield (
        f"stage '{chosen[0].stage.name}': {counted(len(chosen), 'job')} run again;"
        f" {len(changed)} of {len(after)} artefacts changed"
    )
    shown = changed if everything else changed[:FEW]
    yield from (f"  {path}: {(before.get(path) or 'new')[:12]} -> {after[path][:12]}" for path in shown)
    if len(changed) > len(shown):
        yield f"  and {len(changed) - len(shown)} more ('--all' lists them, and every number)"
    if everything:
        differences = compare_metrics(table, _read(metrics))
        yield "metrics.csv: no number changed" if differences.empty else differences.to_markdown(index=False)
        yield from compare_tables(cells, _read_table(ablation))
    yield from changed_top1(top1, read_top1(jobs))


def _first_run(jobs: Jobs, chosen: list[Job]) -> Iterator[str]:
    """Say that nothing is run again where the chosen jobs were never done, and how much comes before them."""
    if any(path.exists() for job in chosen for path in job.made):
        return
    needed = {job.block for each in chosen for job in jobs.behind(each) if not job.block.exists()}
    yield f"nothing was made yet by these jobs: this is a first run of {counted(len(needed), 'job')}, and what follows"


def compare_metrics(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Compare two tables of metrics.csv: the cells that differ, with key, metric, before, after."""
    names = schema.order([*before.columns, *after.columns])
    key, shown = [name for name in names if name in (*schema.KEY_NAMES, schema.PROTOCOL)], schema.quantities(names)
    default = {schema.PROTOCOL: schema.DEFAULT_PROTOCOL} if schema.PROTOCOL in key else {}
    tables = [table.assign(**{**default, **table}).reindex(columns=names) for table in (before, after)]
    long = [table.melt(key, shown, "metric") for table in tables]
    both = long[0].merge(long[1], on=[*key, "metric"], how="outer", suffixes=(" before", " after"))
    left, right = both["value before"], both["value after"]
    return both[(left != right) & ~(left.isna() & right.isna())].rename(
        columns=lambda name: name.removeprefix("value ")
    )


def compare_tables(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[str]:
    """List the cells of the ablation table that differ: method, quantity, before, after."""
    for method, column in [(method, column) for method in after.index for column in after.columns]:
        old = before[column].get(method) if column in before else None
        new = after.loc[method, column]
        if old != new and not (pd.isna(old) and pd.isna(new)):
            yield f"ablation table: {method}, {column}: {old} -> {new}"


def _read_table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, index_col="Method") if path.is_file() else pd.DataFrame()


def _digests(jobs: Jobs) -> dict[str, str]:
    """Digest every result but the page, which holds times: two of them always differ."""
    digests = Digests()
    paths = [path for job in jobs.all() if job.stage.repeats for path in job.made if path.exists()]
    read = track(paths, "digest results", "artefacts", len(paths), brief=True)
    by_path = {str(path): digests.of(path).sha256 for path in read}
    digests.save()
    return by_path


def _read(metrics: Path) -> pd.DataFrame:
    return pd.read_csv(metrics) if metrics.is_file() else pd.DataFrame(columns=schema.order([]))

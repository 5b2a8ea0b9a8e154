"""Read the metrics of a run from a folder, a file or a revision of git."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from aurl.evaluation import schema
from aurl.lineage.blocks import block_or_none
from aurl.lineage.dvc_lock import Lock
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.paths import ResultPaths
from aurl.report.about import ABOUT, About, about_blocks, about_results, present_about, read_about
from aurl.report.agreement import Cell
from aurl.system.errors import AurlError
from aurl.system.git import git
from aurl.system.text_files import read_csv, rerun_hint, unreadable

REFERENCES = Path("docs/reference")
METRICS = "metrics.csv"
MEND = "name another reference: a folder, a metrics.csv or a revision of git"


@dataclass(frozen=True)
class Run:
    """The metrics of a run.

    Attributes:
        name: the place that they are from, for the reader.
        content: the bytes of `metrics.csv`.
        table: the same as a table, with the columns of the key, top1, videos and classes.
    """

    name: str
    content: bytes
    table: pd.DataFrame
    about: About

    def cells(self) -> dict[Cell, list[float]]:
        """Group top-1 by everything but the seed."""
        groups = self.table.groupby(list(Cell._fields), sort=False)["top1"]
        return {Cell(*key): list(values) for key, values in groups}


def present_run(jobs: Jobs) -> Run:
    """Read the present metrics. Raises: AurlError if there are none, or damaged."""
    metrics = jobs.paths.of("metrics_csv")
    if not metrics.is_file():
        raise AurlError(f"{metrics}: no metrics yet; run 'snakemake'")
    table = read_table(metrics, str(metrics), rerun_hint(metrics))
    return Run(str(metrics), metrics.read_bytes(), table, present_about(jobs))


def read_run(reference: str, experiment: str) -> Run:
    """Read the metrics of a reference: a folder, a metrics.csv, or a revision of git.

    Raises: AurlError if it is none of these, damaged, or has no metrics of this experiment.
    """
    path = Path(reference)
    if path.is_dir():
        return run_of_file(path / METRICS, str(path))
    if path.is_file():
        return run_of_file(path, str(path))
    return run_of_revision(reference, experiment)


def run_of_file(metrics: Path, name: str) -> Run:
    """Read a metrics.csv, and what reference.yaml or blocks beside it say of it.

    Raises: AurlError for a damaged file.
    """
    table = read_table(metrics, str(metrics), MEND)
    about = About()
    if metrics.name == METRICS:
        folder = metrics.parent
        about = read_about(folder / ABOUT) if (folder / ABOUT).is_file() else about_results(folder)
    return Run(name, metrics.read_bytes(), table, about)


def run_of_revision(revision: str, experiment: str) -> Run:
    """Read the metrics of a commit: its results, or else its reference.

    The commit itself holds the results, or its dvc.lock records them and DVC's cache has them.

    Raises: AurlError if there is no such revision, or it has no metrics of this experiment here.
    """
    try:
        commit = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    except AurlError:
        raise AurlError(f"{revision}: no folder, no file and no revision of git; {MEND}") from None
    results, kept = ResultPaths(experiment).of("metrics_csv").as_posix(), REFERENCES / experiment
    wanted = [results, "dvc.lock", f"{kept}/{METRICS}", f"{kept}/{ABOUT}"]
    held = git("ls-tree", "--full-tree", "--name-only", commit, *wanted).splitlines()
    with tempfile.TemporaryDirectory() as folder:
        if results in held:
            return _committed(commit, revision, results, [], Path(folder))
        run = _recorded(commit, revision, results) if "dvc.lock" in held else None
        if run is not None:
            return run
        if wanted[2] in held:
            return _committed(commit, revision, wanted[2], [path for path in held if path == wanted[3]], Path(folder))
    raise AurlError(
        f"{revision}: no {METRICS} of experiment '{experiment}' in this commit, nor in DVC's cache here;"
        " fetch it ('dvc fetch --all-commits'), or name another revision"
    )


def _committed(commit: str, revision: str, metrics: str, about: list[str], folder: Path) -> Run:
    """Read metrics that a commit holds, by way of a folder."""
    for path in (metrics, *about):
        (folder / Path(path).name).write_text(git("show", f"{commit}:{path}"), newline="")
    try:
        run = run_of_file(folder / METRICS, f"{revision}:{metrics}")
    except AurlError as error:
        raise AurlError(str(error).replace(str(folder), f"{revision}:{Path(metrics).parent}")) from None
    return run if about else Run(run.name, run.content, run.table, About(commit=commit))


def _recorded(commit: str, revision: str, metrics: str) -> Run | None:
    """Read metrics that a commit's dvc.lock records; None if not in DVC's cache."""
    lock = Lock(git("show", f"{commit}:dvc.lock"))
    path = lock.cached(lock.md5(metrics) or "")
    if not path.is_file():
        return None
    name = f"{revision}:{metrics}"
    root = Path(metrics).parent
    listed = [out for stage in lock.stages.values() for out in stage.outs]
    trained = [out for out in listed if out.startswith(f"{root}/provenance/checkpoints/")]
    collected, *blocks = (
        block_or_none(lock.cached(lock.md5(out) or "")) for out in (f"{root}/provenance/{METRICS}.json", *trained)
    )
    about = about_blocks(root.name, collected, blocks, {})
    return Run(name, path.read_bytes(), read_table(path, name, MEND), about)


def read_table(path: Path, name: str, mend: str) -> pd.DataFrame:
    """Read the key, top-1 and the counts of a metrics.csv; in rows of generalised recognition H stands for top-1.

    Args:
        name: what messages call the file.
    Raises: AurlError for a damaged file, or another one.
    """
    types = {column.name: column.kind for column in (*schema.KEY, *schema.COUNTS)} | {"top1": float}
    try:
        table = read_csv(path, list(types), mend, dtype=types)
    except AurlError as error:
        raise AurlError(str(error).replace(str(path), name)) from None
    if schema.PROTOCOL not in table:
        table[schema.PROTOCOL] = schema.DEFAULT_PROTOCOL
    if "harmonic" in table:  # rows of seen and unseen classes together have no top-1
        table["top1"] = table["top1"].where(table[schema.PROTOCOL] != schema.GENERALISED, table["harmonic"])
    table = table[[*schema.KEY_NAMES, schema.PROTOCOL, "top1", "videos", "classes"]]
    if not table["top1"].between(0, 100).all():
        raise unreadable(Path(name), ValueError("top1 is not between 0 and 100 in every row"), mend)
    if table.duplicated([*schema.KEY_NAMES, schema.PROTOCOL]).any():
        raise unreadable(Path(name), ValueError("two rows have the same key"), mend)
    return table

"""Audit: hold disk, provenance blocks, dvc.lock and DVC's cache against each other, and recompute.

Nothing here trusts a file's time or a single record. What each level can and cannot find is told in
docs/audit.md.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from aurl.datasets.table import iterate_table
from aurl.experiment.folders import video_folder
from aurl.experiment.settings import Experiment
from aurl.lineage.blocks import code_digests
from aurl.lineage.dvc import value_at
from aurl.lineage.dvc_lock import Lock, LockedStage
from aurl.pipeline.execute import Execution, device_of, execute, seeds_of
from aurl.pipeline.jobs import Job, Jobs
from aurl.pipeline.paths import ResultPaths
from aurl.system.digests import Digests
from aurl.system.errors import AurlError
from aurl.system.progress import log, track

ALWAYS_RECOMPUTED = ("collect", "tables")
OVER_CELLS = ("collect", "statistics")  # stages that read a file of every cell
LOCK_KINDS = {"aurl": "stale code", "results": "broken link"}
DEEPLY_RECOMPUTED = ("embeddings", "seen_classes", "features", "evaluate", "statistics", "figures")


@dataclass(frozen=True)
class Finding:
    """One disagreement: its kind, what it is about, and how it shows."""

    kind: str
    subject: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}: {self.reason}"


@dataclass(frozen=True)
class JobReport:
    """What the audit found of one job."""

    job: Job
    outputs: dict[str, str]
    settings: dict[str, Any]
    code: dict[str, str]
    findings: list[Finding]

    @property
    def name(self) -> str:
        """The stage with its wildcards."""
        return " ".join([self.job.stage, *map(str, self.job.wildcards.values())])


@dataclass
class Report:
    """All jobs of an audit, in the order of the data, and which of them follow from a finding before them."""

    jobs: list[JobReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def findings(self) -> list[tuple[Finding, bool]]:
        """Every finding with whether it is a root: none of the jobs that its job reads from has one."""
        tainted: set[Path] = set()
        roots: list[Finding] = []
        follow: list[Finding] = []
        for report in self.jobs:
            follows = any(path in tainted for path in report.job.inputs)
            if follows or report.findings:
                tainted |= set(report.job.outputs)
            for finding in report.findings:
                (follow if follows else roots).append(finding)
        return [(finding, True) for finding in roots] + [(finding, False) for finding in follow]


class Audit:
    """An audit of some jobs of an experiment."""

    def __init__(
        self, experiment: Experiment, digests: Digests, deep: bool = False, retrain: Iterable[str] = ()
    ) -> None:
        """
        Args:
            deep: also recompute embeddings, features, metrics, statistics and figures.
            retrain: variants whose checkpoints are trained again and compared.
        """
        self.experiment, self.digests = experiment, digests
        self.paths = ResultPaths(experiment.experiment)
        self.jobs = Jobs(experiment, self.paths)
        self.deep, self.retrain = deep, frozenset(retrain)
        self.lock = Lock.read()
        self.raw_params = yaml.safe_load(Path("params.yaml").read_text())
        self.blocks = {path: self._read_block(job) for job in self.jobs.all() for path in job.outputs}
        self._code: dict[str, dict[str, str]] = {}

    def run(self, jobs: Sequence[Job]) -> Report:
        """Audit the jobs, in order."""
        report = Report()
        checked_stages: set[str] = set()
        for job in track(jobs, "audit", "jobs", len(jobs), brief=True):
            block = self.blocks[job.outputs[0]]
            findings = [*self._outputs(job, block), *self._block(job, block), *self._dataset(job)]
            stage = self.lock.stage_of(str(job.outputs[0]))
            if stage is not None and stage.name not in checked_stages:
                checked_stages.add(stage.name)
                findings += self._lock(stage)
            if not any(finding.kind in ("missing", "changed") for finding in findings):
                findings += self._recompute(job)
            found = {str(path): self._sha256(path) or "missing" for path in job.outputs}
            report.jobs.append(JobReport(job, found, self.jobs.settings(job), self._code_of(job), findings))
        self.digests.save()
        return report

    def _outputs(self, job: Job, block: dict[str, Any] | None) -> Iterator[Finding]:
        """Disk against block, dvc.lock and cache."""
        for path in job.outputs:
            if not path.exists():
                yield Finding("missing", str(path), "not on disk; 'aurl sync' fetches it, 'snakemake' makes it")
                continue
            found, recorded = self.digests.of(path), self.lock.md5(str(path))
            told = (block or {}).get("outputs", {}).get(str(path))
            if told is not None and told != found.sha256:
                yield Finding(
                    "changed", str(path), f"its provenance block says {told[:12]}, on disk is {found.sha256[:12]}"
                )
            if recorded is None and self.lock.stage_of(str(path)) is not None:
                yield Finding("not cached", str(path), "DVC's cache has lost the list of its folder; run 'aurl record'")
            elif recorded is None:
                yield Finding("unrecorded", str(path), "dvc.lock does not know it; run 'aurl record'")
            elif recorded != found.md5:
                kind = "unrecorded" if told == found.sha256 else "changed"
                yield Finding(kind, str(path), f"dvc.lock records {recorded[:12]}, on disk is {found.md5[:12]}")
            else:
                yield from self._cached(str(path), recorded)

    def _cached(self, path: str, md5: str) -> Iterator[Finding]:
        """The cache's copy: it exists, and its contents are what its name says."""
        cached = self.lock.cached(md5)
        if not cached.is_file():
            yield Finding("not cached", path, f"DVC's cache does not hold {md5[:12]}; run 'aurl record'")
            return
        if self.digests.of(cached).md5 != md5.removesuffix(".dir"):
            yield Finding(
                "not cached", path, f"the cache's copy {md5[:12]} is damaged; delete {cached} and record again"
            )
        elif md5.endswith(".dir"):
            for name, inner in self.lock.listing(md5).items():
                yield from self._cached(f"{path}/{name}", inner)

    def _block(self, job: Job, block: dict[str, Any] | None) -> Iterator[Finding]:
        """Block against the blocks of its inputs, the parameters, the code and the seeds."""
        name = str(self.jobs.block(job))
        if block is None:
            if any(path.exists() for path in job.outputs):
                yield Finding("unrecorded", name, "the provenance block is missing or unreadable")
            return
        identity = block["identity"]
        if (identity["stage"], identity["wildcards"]) != (job.stage, job.wildcards):
            yield Finding("broken link", name, f"describes {identity['stage']} {identity['wildcards']}")
        if set(identity["inputs"]) != set(map(str, job.inputs)):
            yield Finding("broken link", name, "names other inputs than the stage has")
        for path in job.inputs:
            yield from self._link(name, path, identity["inputs"].get(str(path)))
        settings = self.jobs.settings(job)
        for key in sorted(settings.keys() | identity["settings"].keys()):
            if settings.get(key) != identity["settings"].get(key):
                yield Finding(
                    "stale parameters", f"{name}: {key}", "the result was made with another value than params.yaml has"
                )
        code = self._code_of(job)
        for file in sorted(code.keys() | identity["code"].keys()):
            if code.get(file) != identity["code"].get(file):
                yield Finding("stale code", f"{name}: {file}", "the result was made with another version of this file")
        if identity["seeds"] != seeds_of(job):
            yield Finding("forged", name, "its seeds do not follow from the experiment's")

    def _link(self, name: str, path: Path, told: str | None) -> Iterator[Finding]:
        """An input's digest as the block tells it, against the block of its maker, or against disk."""
        maker = self.blocks.get(path)
        if maker is not None:
            if maker["outputs"].get(str(path)) != told:
                yield Finding(
                    "broken link",
                    f"{name}: {path}",
                    "it was made from other contents than this input's own block tells",
                )
        elif path not in self.blocks and told != self._sha256(path):
            yield Finding("changed", str(path), f"{name} was made from other contents of this file")

    def _lock(self, stage: LockedStage) -> Iterator[Finding]:
        """A stage of dvc.lock against disk, the other stages and params.yaml."""
        for path, md5 in stage.deps.items():
            made = self.lock.stage_of(path)
            now = made.outs.get(path) if made is not None else self._md5(Path(path))
            if now is None and Path(path).is_dir():
                now = self._md5(Path(path))  # a folder of several stages' outputs
            if now != md5:
                kind = LOCK_KINDS.get(Path(path).parts[0], "changed")
                yield Finding(kind, f"dvc.lock: {stage.name}: {path}", f"recorded with {md5[:12]}, now {str(now)[:12]}")
        for key, value in stage.params.items():
            if value_at(self.raw_params, key) != value:
                yield Finding(
                    "stale parameters",
                    f"dvc.lock: {stage.name}: {key}",
                    "recorded with another value than params.yaml has",
                )

    def _dataset(self, job: Job) -> Iterator[Finding]:
        """The videos of a dataset that stays in its own folder, against the list of their digests."""
        if job.stage != "ingest" or not job.outputs[0].is_file():
            return
        source = self.experiment.dataset(job.wildcards["dataset"]).source
        if source.render is not None or source.versioned:
            return  # the folder in the results is an output of its own
        folder = video_folder(source, job.outputs[1])
        for row in iterate_table(job.outputs[0]):
            now = self._sha256(folder / row["path"])
            if now != row["sha256"]:
                kind, how = (
                    ("missing", "not in its folder") if now is None else ("changed", "not the file that was listed")
                )
                yield Finding(kind, str(folder / row["path"]), how)

    def _recompute(self, job: Job) -> Iterator[Finding]:
        """Do the job again, elsewhere, and compare the bytes."""
        wanted = job.stage in ALWAYS_RECOMPUTED or (self.deep and job.stage in DEEPLY_RECOMPUTED)
        wanted = wanted or (job.stage == "train" and job.wildcards["variant"] in self.retrain)
        if not wanted or not all(path.exists() for path in job.inputs):
            return
        told = (self.blocks[job.outputs[0]] or {}).get("identity", {}).get("device", "cpu")
        if told != device_of(job, self.experiment):
            yield Finding(
                "unrecorded", str(job.outputs[0]), f"made on {told}, which is not here: it cannot be recomputed"
            )
            return
        log(f"recompute {job.stage} {' '.join(map(str, job.wildcards.values()))}")
        with tempfile.TemporaryDirectory(prefix="aurl-audit-") as folder:
            again = [Path(folder) / path.name for path in job.outputs]
            try:
                execute(Execution(self.jobs, job, again, resume=Path(folder) / "resume"))
            except (AurlError, OSError, ValueError, KeyError) as error:
                yield Finding("forged", str(job.outputs[0]), f"cannot be made from its inputs ({error})")
                return
            for path, made in zip(job.outputs, again, strict=True):
                if path.read_bytes() != made.read_bytes():
                    yield Finding(
                        "forged", str(path), "does not follow from its inputs: recomputed, it comes out otherwise"
                    )

    def _code_of(self, job: Job) -> dict[str, str]:
        if job.stage not in self._code:
            self._code[job.stage] = code_digests(job.stage)
        return self._code[job.stage]

    def _read_block(self, job: Job) -> dict[str, Any] | None:
        try:
            block = json.loads(self.jobs.block(job).read_text())
            expected = {"stage", "wildcards", "inputs", "settings", "code", "packages", "seeds", "device"}
            return dict(block) if expected <= block["identity"].keys() and "outputs" in block else None
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return None

    def _sha256(self, path: Path) -> str | None:
        return self.digests.of(path).sha256 if path.exists() else None

    def _md5(self, path: Path) -> str | None:
        return self.digests.of(path).md5 if path.exists() else None


def select_jobs(jobs: Jobs, table: str, cell: str | None) -> list[Job]:
    """The jobs behind a table, or behind one cell of it, in order.

    Args:
        table: `ablation`, `sota`, `tau_sweep` (or a path of one), `metrics.csv`, or `all`.
        cell: `variant,dataset` or `variant,dataset,seed`; None for the whole table.
    Raises:
        AurlError: an unknown table, or a cell that the experiment does not have.
    """
    if table == "all":
        return list(jobs.all())
    name = Path(table).stem
    targets = {"ablation": jobs.tables, "sota": jobs.tables, "tau_sweep": jobs.tables, "metrics": jobs.collect}
    if name not in targets:
        raise AurlError(f"unknown table '{table}'; known: {', '.join(targets)}, or --all")
    wanted = _cell_files(jobs, cell)
    maker = {path: job for job in jobs.all() for path in job.outputs}
    todo, chosen = [targets[name]()], []
    while todo:
        job = todo.pop()
        if job not in chosen:
            chosen.append(job)
            inputs = [path for path in job.inputs if job.stage not in OVER_CELLS or wanted is None or path in wanted]
            todo += [maker[path] for path in inputs if path in maker]
    return [job for job in jobs.all() if job in chosen]


def _cell_files(jobs: Jobs, cell: str | None) -> set[Path] | None:
    """The metrics and features of the cells that `cell` names."""
    if cell is None:
        return None
    wanted = [part.strip() for part in cell.split(",")]
    named = {(variant, dataset, str(seed)): (variant, seed, dataset) for variant, seed, dataset in jobs.cells()}
    found = [key for name, key in named.items() if len(wanted) > 1 and list(name[: len(wanted)]) == wanted]
    if not found:
        known = ", ".join(sorted({f"{v},{d}" for v, _, d in jobs.cells()}))
        raise AurlError(f"--cell {cell}: no such cell; known (variant,dataset): {known}")
    return {path for key in found for path in (jobs.paths.metrics(*key), jobs.paths.features(*key))}

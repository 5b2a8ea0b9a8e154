"""Compare disk, provenance blocks, dvc.lock and DVC's cache with each other, and recompute.

The audit trusts neither a file's time nor a single record. docs/audit.md says what each level finds.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from aurl.datasets.table import iterate_table
from aurl.experiment.folders import video_folder
from aurl.experiment.settings import Experiment
from aurl.lineage.blocks import Block, blocks_by_output, differing_keys, digests_by_code
from aurl.lineage.dvc import value_at
from aurl.lineage.dvc_lock import Lock, LockedStage
from aurl.pipeline.jobs import Job, Jobs
from aurl.pipeline.run import device_of, run_job, seeds_of
from aurl.pipeline.selections import Row
from aurl.system.digests import Digests
from aurl.system.errors import AurlError, choices
from aurl.system.progress import log, track

LOCK_KINDS = {"aurl": "stale code", "results": "broken link"}


@dataclass(frozen=True)
class Finding:
    """Describe a disagreement: its kind, its subject, and the reason."""

    kind: str
    subject: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}: {self.reason}"


@dataclass(frozen=True)
class JobReport:
    """Hold a job's findings, the SHA-256 of its outputs and code, and its parameters."""

    job: Job
    outputs: dict[str, str]
    settings: dict[str, Any]
    code: dict[str, str]
    findings: list[Finding]


@dataclass
class Report:
    """Hold all jobs of an audit, in the order of the data."""

    jobs: list[JobReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def outputs(self) -> dict[str, str]:
        """Map every audited artefact to its SHA-256."""
        return {path: digest for report in self.jobs for path, digest in report.outputs.items()}

    def findings(self) -> list[tuple[Finding, bool]]:
        """List every finding with True for a root, roots first: no job that its job reads from has a finding."""
        tainted: set[Path] = set()
        pairs = []
        for report in self.jobs:
            is_root = tainted.isdisjoint(report.job.depends)
            if report.findings or not is_root:
                tainted |= set(report.job.made)
            pairs += [(finding, is_root) for finding in report.findings]
        return sorted(pairs, key=lambda pair: not pair[1])


class Audit:
    """Audit jobs of an experiment."""

    def __init__(
        self, experiment: Experiment, digests: Digests, deep: bool = False, retrain: Iterable[str] = ()
    ) -> None:
        """
        Args:
            deep: also recompute embeddings, features, metrics, statistics and figures.
            retrain: variants whose checkpoints are trained again and compared.
        """
        self.experiment, self.digests = experiment, digests
        self.jobs = Jobs(experiment)
        self.makers = self.jobs.makers()
        self.deep, self.retrain = deep, frozenset(retrain)
        self.lock = Lock.read()
        self.raw_params = yaml.safe_load(Path("params.yaml").read_text())
        listed = list(self.jobs.all())
        self.blocks, self.code = blocks_by_output(listed), digests_by_code(listed)

    def run(self, jobs: Sequence[Job]) -> Report:
        """Audit the jobs, in order."""
        report = Report()
        checked_stages: set[str] = set()
        for job in track(jobs, "audit", "jobs", len(jobs), brief=True):
            block = self.blocks[job.made[0]]
            findings = [*self._outputs(job, block), *self._block(job, block), *self._dataset(job)]
            stage = self.lock.stage_of(str(job.made[0]))
            if stage is not None and stage.name not in checked_stages:
                checked_stages.add(stage.name)
                findings += self._lock(stage, job)
            if not any(finding.kind in ("missing", "changed") for finding in findings):
                findings += self._recompute(job)
            digests = {str(path): self._sha256(path) or "missing" for path in job.made}
            report.jobs.append(JobReport(job, digests, dict(job.values), self.code[job.code], findings))
        self.digests.save()
        return report

    def _outputs(self, job: Job, block: Block | None) -> Iterator[Finding]:
        """Compare disk with block, dvc.lock and cache."""
        for path in job.made:
            if not path.exists():
                yield Finding("missing", str(path), "not on disk; 'aurl sync' fetches it, 'snakemake' makes it")
                continue
            on_disk, recorded = self.digests.of(path), self.lock.md5(str(path))
            in_block = block.outputs.get(str(path)) if block else None
            if in_block is not None and in_block != on_disk.sha256:
                reason = f"its provenance block says {in_block[:12]}, on disk is {on_disk.sha256[:12]}"
                yield Finding("changed", str(path), reason)
            if recorded is None and self.lock.stage_of(str(path)) is not None:
                yield Finding("not cached", str(path), "DVC's cache has lost the list of its folder; run 'aurl record'")
            elif recorded is None:
                yield Finding("unrecorded", str(path), "dvc.lock does not know it; run 'aurl record'")
            elif recorded != on_disk.md5:
                kind = "unrecorded" if in_block == on_disk.sha256 else "changed"
                yield Finding(kind, str(path), f"dvc.lock records {recorded[:12]}, on disk is {on_disk.md5[:12]}")
            else:
                yield from self._cached(str(path), recorded)

    def _cached(self, path: str, md5: str) -> Iterator[Finding]:
        """Check that the cache has a copy whose contents match its name."""
        cached = self.lock.cached(md5)
        if not cached.is_file():
            yield Finding("not cached", path, f"DVC's cache does not hold {md5[:12]}; run 'aurl record'")
            return
        if self.digests.of(cached).md5 != md5.removesuffix(".dir"):
            reason = f"the cache's copy {md5[:12]} is damaged; delete {cached} and record again"
            yield Finding("not cached", path, reason)
        elif md5.endswith(".dir"):
            for name, inner in self.lock.listing(md5).items():
                yield from self._cached(f"{path}/{name}", inner)

    def _block(self, job: Job, block: Block | None) -> Iterator[Finding]:
        """Compare a block with the blocks of its inputs, the parameters, the code and the seeds."""
        name = str(job.block)
        if block is None:
            if any(path.exists() for path in job.made):
                yield Finding("unrecorded", name, "the provenance block is missing or unreadable")
            return
        identity = block.identity
        if (identity.stage, identity.wildcards) != (job.stage.name, job.wildcards):
            yield Finding("broken link", name, f"describes {identity.stage} {identity.wildcards}")
        if set(identity.inputs) != set(map(str, job.depends)):
            yield Finding("broken link", name, "names other inputs than the stage has")
        for path in job.depends:
            yield from self._link(name, path, identity.inputs.get(str(path)))
        for key in differing_keys(job.values, identity.settings):
            reason = "the result was made with another value than params.yaml has"
            yield Finding("stale parameters", f"{name}: {key}", reason)
        for file in differing_keys(self.code[job.code], identity.code):
            yield Finding("stale code", f"{name}: {file}", "the result was made with another version of this file")
        if identity.seeds != seeds_of(job):
            yield Finding("forged", name, "its seeds do not follow from the experiment's")

    def _link(self, name: str, path: Path, recorded: str | None) -> Iterator[Finding]:
        """Compare an input's digest in a block with the block of its maker, or with the file on disk."""
        if path not in self.blocks:
            if recorded != self._sha256(path):
                yield Finding("changed", str(path), f"{name} was made from other contents of this file")
        elif (maker := self.blocks[path]) is not None and maker.outputs.get(str(path)) != recorded:
            reason = "it was made from other contents than this input's own block records"
            yield Finding("broken link", f"{name}: {path}", reason)

    def _lock(self, stage: LockedStage, job: Job) -> Iterator[Finding]:
        """Compare a stage of dvc.lock with disk, the other stages and params.yaml."""
        for path, md5 in stage.deps.items():
            if path.startswith("aurl/") and path not in job.code:
                continue  # DVC cannot name the parts of one job: a stage of dvc.yaml depends on all parts of a folder
            maker = self.lock.stage_of(path)
            now = maker.outs.get(path) if maker is not None else None
            if now is None and (maker is None or Path(path).is_dir()):  # a folder of several stages' outputs
                now = self._md5(Path(path))
            if now != md5:
                kind = LOCK_KINDS.get(Path(path).parts[0], "changed")
                yield Finding(kind, f"dvc.lock: {stage.name}: {path}", f"recorded with {md5[:12]}, now {str(now)[:12]}")
        for key, value in stage.params.items():
            if value_at(self.raw_params, key) != value:
                reason = "recorded with another value than params.yaml has"
                yield Finding("stale parameters", f"dvc.lock: {stage.name}: {key}", reason)

    def _dataset(self, job: Job) -> Iterator[Finding]:
        """Compare the videos of a dataset that stays in its own folder with the list of their digests."""
        if job.stage.name != "ingest" or not job.outputs.listing.is_file():
            return
        source = job.settings["datasets.{dataset}.source"]
        if source.render is not None or source.versioned:
            return  # the folder in the results is an output of its own
        folder = video_folder(source, job.outputs.videos)
        for row in iterate_table(job.outputs.listing):
            now, video = self._sha256(folder / row["path"]), str(folder / row["path"])
            if now is None:
                yield Finding("missing", video, "not in its folder")
            elif now != row["sha256"]:
                yield Finding("changed", video, "not the file that was listed")

    def _recompute(self, job: Job) -> Iterator[Finding]:
        """Do the job in another folder, and compare the bytes."""
        if not self._wants_recomputing(job) or not all(path.exists() for path in job.depends):
            return
        block = self.blocks[job.made[0]]
        device = block.identity.device if block else "cpu"
        if device != device_of(job, self.experiment):
            reason = f"made on {device}, which is not here: it cannot be recomputed"
            yield Finding("unrecorded", str(job.made[0]), reason)
            return
        if job.stage.recompute != "always":  # what is always computed again takes a moment
            log(f"compute again: {job.name}")
        with tempfile.TemporaryDirectory(prefix="aurl-audit-") as folder:
            repeated = job.elsewhere(Path(folder))
            try:
                run_job(repeated)
            except (AurlError, OSError, ValueError, KeyError) as error:
                yield Finding("forged", str(job.made[0]), f"cannot be made from its inputs ({error})")
                return
            for path, copy in zip(job.made, repeated.made, strict=True):
                if path.read_bytes() != copy.read_bytes():
                    yield Finding("forged", str(path), "recomputed from its inputs, it has other contents")

    def _wants_recomputing(self, job: Job) -> bool:
        level = job.stage.recompute
        by_name = level == "retrain" and job.wildcards["variant"] in self.retrain
        return level == "always" or (level == "deep" and self.deep) or by_name

    def _sha256(self, path: Path) -> str | None:
        return self.digests.of(path).sha256 if path.exists() else None

    def _md5(self, path: Path) -> str | None:
        return self.digests.of(path).md5 if path.exists() else None


OF_CELLS = ("network_cells", "method_cells", "external", "generalised")  # selections whose jobs make cells


def select_jobs(jobs: Jobs, table: str, cell: str | None) -> list[Job]:
    """List the jobs behind a table, or behind one cell of it, in order.

    Args:
        table: the name of a table (or its path), `metrics`, or `all`.
        cell: `variant,dataset` or `variant,dataset,seed`; None for the whole table.
    Raises:
        AurlError: an unknown table, or a cell that the experiment does not have.
    """
    if table == "all":
        return list(jobs.all())
    name = Path(table).stem
    targets = {path.stem: "tables" for path in jobs.of("tables").made} | {"metrics": "collect"}
    if name not in targets:
        raise AurlError(f"unknown table '{table}'; {choices(name, targets)}, or --all")
    wanted = None if cell is None else _cells_named(jobs, cell)
    return jobs.behind(jobs.of(targets[name]), lambda job: wanted is None or _serves(job, wanted))


def _cells_named(jobs: Jobs, cell: str) -> list[Row]:
    """List the rows of the cells that `variant,dataset[,seed]` names."""
    parts = [part.strip() for part in cell.split(",")]
    rows = [
        row for row in jobs.rows("cells")
        if 2 <= len(parts) <= 3 and [row["variant"], row["dataset"], str(row["seed"])][: len(parts)] == parts
    ]  # fmt: skip
    rows += [{"row": name} for name, dataset in jobs.outside_cells() if parts == [name, dataset]]
    if not rows:
        cells = {*((variant, dataset) for variant, _, dataset in jobs.cells()), *jobs.outside_cells()}
        known = ", ".join(sorted(f"{name},{dataset}" for name, dataset in cells))
        raise AurlError(f"--cell {cell}: no such cell; known (variant,dataset): {known}")
    return rows


def _serves(job: Job, cells: list[Row]) -> bool:
    """Say whether a job of a cell's own wildcards belongs to one of the cells; other jobs always do.

    A cell follows from no job of the stage `generalised`, which makes rows of its own.
    """
    if job.stage.jobs not in OF_CELLS:
        return True
    return any(job.wildcards.items() <= cell.items() for cell in cells)

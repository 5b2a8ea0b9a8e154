"""Derive what Snakemake's rules say from the stages' declarations."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aurl.experiment.folders import snakemake_path, source_folder
from aurl.experiment.parts import LAYOUTS
from aurl.experiment.read import typed_value
from aurl.experiment.settings import ComputeSettings
from aurl.pipeline.jobs import Job, Jobs
from aurl.pipeline.selections import SELECTIONS
from aurl.pipeline.stages import STAGES
from aurl.system.errors import AurlError
from aurl.system.plugins import load

CAPTIONS = {("tables", ".html"): "table", ("figures", ".png"): "figure", ("report", ".html"): "page"}
NUMBERS = ("seed", "shard")
GPU = Path("/dev/nvidia0")


class Rules:
    """The jobs of an experiment as the rules need them: by stage, with Snakemake's wildcards."""

    def __init__(self, jobs: Jobs, cores: int | None) -> None:
        """Raises: AurlError for a dataset's folder that is missing or that Snakemake cannot name."""
        self.jobs, self.cores = jobs, cores or 1
        self.missing: list[Path] = []  # outputs to make although what follows from them is here
        self.listed: dict[tuple[Any, ...], Job] = {(job.stage.name, *job.wildcards.values()): job for job in jobs.all()}
        self.sources = {name: self._class_folders(name) for name in jobs.experiment.datasets}

    def reads(self, stage: str) -> dict[str, Callable[[Any], list[str]]]:
        """Return the inputs of a rule: the job's tracked inputs, its code, and folders whose times matter."""
        inputs: dict[str, Callable[[Any], list[str]]] = {
            "depends": lambda wildcards: [str(path) for path in self._job(stage, wildcards).depends],
            "code": lambda wildcards: list(self._job(stage, wildcards).code),
        }
        if stage == "ingest":
            inputs["folders"] = lambda wildcards: [str(path) for path in self.sources[wildcards.dataset]]
        return inputs

    def makes(self, stage: str) -> dict[str, str]:
        """Return the outputs of a rule with Snakemake's wildcards, and the provenance block."""
        paths, templates = self.jobs.paths, STAGES[stage].makes
        outputs = {name: str(paths.root / template) for name, template in templates.items()}
        return outputs | {"block": str(paths.provenance(paths.root / templates[STAGES[stage].artefact]))}

    def wanted(self) -> list[str]:
        """Return what a whole run makes.

        These are the outputs of jobs that nothing reads, those of stages that have one job, and those that are missing.
        """
        jobs = list(self.listed.values())
        read = {path for job in jobs for path in job.depends}
        final = [job for job in jobs if job.stage.jobs == "once" or not read & set(job.made)]
        return [str(path) for path in (*(path for job in final for path in job.made), *self.missing)]

    def files(self) -> set[Path]:
        """Return every file that the run reads or makes, code included."""
        jobs = self.listed.values()
        return {path for job in jobs for path in (*job.depends, *job.made, job.block, *map(Path, job.code))}

    def log(self, stage: str) -> str:
        """Return the log file of a rule."""
        return str(self.jobs.paths.log(self.jobs.paths.root / STAGES[stage].makes[STAGES[stage].artefact]))

    def settings(self, stage: str) -> Callable[[Any], dict[str, Any]]:
        """Return a rule's parameters: the job's slice, so that a change of anything else reruns nothing."""
        return lambda wildcards: dict(self._job(stage, wildcards).values)

    def folders(self, stage: str) -> tuple[str, ...]:
        """Return the outputs that are folders."""
        return STAGES[stage].folders

    def caption(self, stage: str, name: str) -> str | None:
        """Return the kind of caption of an output that Snakemake's own report shows."""
        return CAPTIONS.get((stage, Path(STAGES[stage].makes.get(name, "")).suffix))

    def threads(self, stage: str) -> int:
        """Return how many cores one job of a stage uses."""
        declared, experiment = STAGES[stage], self.jobs.experiment
        if declared.all_cores:
            return self.cores
        if declared.compute is None:
            return 1
        compute: ComputeSettings = typed_value(experiment, declared.compute)
        return (compute.threads + compute.workers) * self._processes(stage)

    def gpus(self, stage: str) -> int:
        """Return how many GPUs one job asks for: one for each process that would use one."""
        declared = STAGES[stage]
        if declared.compute is None:
            return 0
        compute: ComputeSettings = typed_value(self.jobs.experiment, declared.compute)
        uses = compute.device == "cuda" or (compute.device == "auto" and GPU.exists())
        return int(uses) * self._processes(stage)

    def constraints(self, stage: str | None = None) -> dict[str, str]:
        """Return the wildcards' values as patterns: of all jobs, or of those of one stage."""
        listed = [job for job in self.listed.values() if stage in (None, job.stage.name)]
        values: dict[str, list[str]] = {"variant": [], "network": [], "dataset": []}
        for job in listed:
            for name in values:
                values[name] += [job.wildcards[name]] if name in job.wildcards else []
        names = values if stage is None else {name: values[name] for name in ("variant",)}
        patterns = {name: "|".join(dict.fromkeys(names[name])) or "-" for name in names}
        return patterns if stage else patterns | dict.fromkeys(NUMBERS, r"\d+")

    def _processes(self, stage: str) -> int:
        key = STAGES[stage].processes
        return 1 if key is None else int(typed_value(self.jobs.experiment, key))

    def _job(self, stage: str, wildcards: Mapping[str, str]) -> Job:
        values = {name: int(value) if name in NUMBERS else value for name, value in dict(wildcards).items()}
        row = {name: values[name] for name in SELECTIONS[STAGES[stage].jobs].matrix}
        return self.listed.get((stage, *row.values())) or self.jobs.of(stage, **row)

    def _class_folders(self, dataset: str) -> list[Path]:
        """List a dataset's folder and its class folders, whose times change when a file is added or removed; and lists.

        Where a versioned dataset is in the results already (after `aurl sync`, say), its folder need not exist.
        """
        source = self.jobs.experiment.datasets[dataset].source
        if source.folder is None:
            return []
        folder = source_folder(source.folder)
        if dataset in self.jobs.missing:
            return [folder]
        if folder.is_dir():
            usual = getattr(load(LAYOUTS, source.layout), "LIST", None)
            lists = sorted(filter(Path.is_file, folder.glob(source.list or usual))) if usual else []
            return [snakemake_path(path) for path in (folder, *sorted(filter(Path.is_dir, folder.iterdir())), *lists)]
        if source.versioned and self.jobs.paths.of("listing", dataset=dataset).is_file():
            return []
        raise AurlError(
            f"params.yaml: datasets.{dataset}.source.folder: there is no folder '{folder}';"
            " put the dataset there or change the key (docs/datasets.md says what belongs into it)"
        )

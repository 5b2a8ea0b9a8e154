"""List the jobs of an experiment: each stage's declaration, filled in."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aurl.experiment.folders import source_folder
from aurl.experiment.read import json_value, typed_value
from aurl.experiment.settings import Experiment
from aurl.pipeline.code import code_of, packages_of
from aurl.pipeline.missing_data import missing_data
from aurl.pipeline.part_files import part_files
from aurl.pipeline.paths import ResultPaths
from aurl.pipeline.selections import SELECTIONS, Row, Scope
from aurl.pipeline.stage import AllOf, Each, Input, One, PartFiles, Shipped, Stage
from aurl.pipeline.stages import METHOD_STAGES, STAGES
from aurl.system.errors import AurlError

WIRING, WIRING_DIGITS = "wiring", 16  # a key of a job's values


class Files(SimpleNamespace):
    """The inputs or outputs of a job, by the names of its stage's declaration.

    Each is a path, or a mapping of wildcards to paths: the key is the value of the one wildcard that the job does not
    fix, or a tuple of several.
    """

    def __getitem__(self, name: str) -> Any:
        return vars(self)[name]

    def items(self) -> Iterator[tuple[str, Any]]:
        """Iterate over names and values, in the order of the declaration."""
        return iter(vars(self).items())

    def paths(self) -> tuple[Path, ...]:
        """List all paths, each once, in the order of the declaration."""
        values = (value.values() if isinstance(value, Mapping) else [value] for value in vars(self).values())
        return tuple(dict.fromkeys(path for each in values for path in each))


class Slice(Mapping[str, Any]):
    """The typed settings at the dotted keys that a stage declares, and no others."""

    def __init__(self, experiment: Experiment, keys: tuple[str, ...], wildcards: Row) -> None:
        self._experiment, self._keys = experiment, keys
        self._wildcards = {"seen": experiment.seen, **wildcards}

    def __getitem__(self, key: str) -> Any:
        """Return the settings at a declared key, written as the stage declares it, or at one below it.

        Raises: KeyError for any other key.
        """
        if not any(key == declared or key.startswith(f"{declared}.") for declared in self._keys):
            raise KeyError(f"'{key}' is not declared by the stage; declared: {', '.join(self._keys)}")
        return typed_value(self._experiment, key.format(**self._wildcards))

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


@dataclass(frozen=True)
class Job:
    """One run of a stage.

    Attributes:
        inputs: every path that the work opens, tracked or not.
        depends: the tracked inputs, whose contents decide the outputs.
        values: the stage's slice of the parameters as JSON, by dotted key, and under `wiring` the digest of which name
            stands for which result; what its identity holds.
        missing: data that the experiment does without, and where it is expected.
        state: file of unfinished work.
        experiment: the whole experiment as JSON, to find the parts that it names; work reads `settings` instead.
        identity: digest of everything that decides the outputs; set when the job is run.
    """

    stage: Stage
    wildcards: Row
    inputs: Files
    depends: tuple[Path, ...]
    outputs: Files
    settings: Slice
    values: Mapping[str, Any]
    missing: Mapping[str, str]
    state: Path | None
    root: Path
    experiment: Mapping[str, Any]
    workers: int = 1
    identity: str = ""

    @property
    def name(self) -> str:
        """The stage with the values of its wildcards: "train aurl 0"."""
        return " ".join([self.stage.name, *map(str, self.wildcards.values())])

    @property
    def made(self) -> tuple[Path, ...]:
        """The paths of all outputs; the provenance block is named after the first."""
        return self.outputs.paths()

    @property
    def block(self) -> Path:
        """The path of the job's provenance block."""
        return self._paths.provenance(self.made[0])

    @property
    def log(self) -> Path:
        """The path of what the job prints."""
        return self._paths.log(self.made[0])

    @cached_property
    def code(self) -> tuple[str, ...]:
        """The files of the job's code, relative to the repository."""
        return code_of(self.stage, self.experiment, self._named)

    @cached_property
    def packages(self) -> list[str]:
        """The third-party modules that the job's code imports."""
        return packages_of(self.stage, self.experiment, self._named)

    @property
    def _named(self) -> Row:
        return {"seen": self.experiment["seen"], **self.wildcards}

    @property
    def _paths(self) -> ResultPaths:
        return ResultPaths(self.root.name, self.root.parent)

    def elsewhere(self, folder: Path) -> "Job":
        """Return the same job with its outputs and state in another folder."""
        outputs = Files(**{name: folder / path.name for name, path in self.outputs.items()})
        return replace(self, outputs=outputs, state=folder / "state" if self.state else None)


class Jobs:
    """The jobs of one experiment."""

    def __init__(self, experiment: Experiment, paths: ResultPaths | None = None) -> None:
        self.experiment = experiment
        self.paths = paths or ResultPaths(experiment.experiment)
        self.missing = missing_data(experiment, self.paths)
        self.scope = Scope(experiment, self.missing)

    def rows(self, selection: str) -> list[Row]:
        """List the rows of a selection (`selections.py`)."""
        return SELECTIONS[selection].rows(self.scope)

    def cells(self) -> list[tuple[str, int, str]]:
        """List every (variant or row of a method, seed, test set) that can be measured."""
        return [(row["variant"], row["seed"], row["dataset"]) for row in self.rows("cells")]

    def outside_cells(self) -> list[tuple[str, str]]:
        """List every (row from outside, test set) that can be measured."""
        tested, sets = self.scope.tested(), self.experiment.report.test_sets
        cells = [
            (row["row"], key) for row in self.rows("external") for key in self.experiment.outside(row["row"]).files
        ]
        return [(name, sets[key].dataset) for name, key in cells if sets[key].dataset in tested]

    def of(self, stage: str, **wildcards: Any) -> Job:
        """Fill in one job. Raises: AurlError for a dataset, variant or shard that the experiment does not have."""
        self._check(stage, wildcards)
        return self._job(STAGES[stage], wildcards)

    def checkpoint_of(self, variant: str, seed: int) -> Job:
        """Fill in the job that makes a variant's checkpoint. Raises: AurlError for an unknown variant."""
        return self.of("import_weights" if variant in self.experiment.imported else "train", variant=variant, seed=seed)

    def all(self) -> Iterator[Job]:
        """Iterate over every job, each after those whose outputs it reads."""
        for stage in STAGES.values():
            for row in self.rows(stage.jobs):
                yield self._job(stage, row)

    def makers(self) -> dict[Path, Job]:
        """Map every output to the job that makes it."""
        return {path: job for job in self.all() for path in job.made}

    def behind(self, target: Job, follow: Callable[[Job], bool] = lambda job: True) -> list[Job]:
        """List a job and the jobs whose outputs it is made from, each after those whose outputs it reads.

        Args:
            follow: says whether a job belongs to the list; nothing is looked for behind one that does not.
        """
        makers = self.makers()
        waiting, reached = [target], set()
        while waiting:
            job = waiting.pop()
            if job.block not in reached and follow(job):
                reached.add(job.block)
                waiting += [makers[path] for path in job.depends if path in makers]
        return [job for job in self.all() if job.block in reached]

    def _job(self, stage: Stage, row: Row) -> Job:
        inputs = {name: self._resolve(each, row) for name, each in stage.reads.items()}
        tracked = {
            name: inputs[name] for name, each in stage.reads.items() if not isinstance(each, One) or each.tracked
        }
        outputs = {name: self.paths.below(template, **row) for name, template in stage.makes.items()}
        keys = [key.format(seen=self.experiment.seen, **row) for key in stage.settings]
        values = {key: json_value(self._dumped, key) for key in keys}
        return Job(
            stage, row, Files(**inputs), Files(**tracked).paths(), Files(**outputs),
            Slice(self.experiment, (*stage.settings, *stage.free), row),
            values | {WIRING: self._wiring(stage, inputs, outputs)},
            self.missing, self.paths.below(stage.state, **row) if stage.state else None, self.paths.root,
            self._dumped,
        )  # fmt: skip

    def _wiring(self, stage: Stage, inputs: Mapping[str, Any], outputs: Mapping[str, Path]) -> str:
        """Digest which result each name of a declaration stands for: two names that change places change the work."""
        read = {name: inputs[name] for name, each in stage.reads.items() if isinstance(each, One | Each | AllOf)}
        named = {"reads": self._relative(read), "makes": self._relative(outputs)}
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:WIRING_DIGITS]

    def _relative(self, value: Any) -> Any:
        """Write paths below the results of the experiment as text, in mappings too."""
        if isinstance(value, Mapping):
            return {str(key): self._relative(each) for key, each in value.items()}
        # every path of every job: `relative_to` takes ten times as long
        return str(value).removeprefix(self._prefix)

    def _resolve(self, each: Input, row: Row) -> Any:
        """Turn a declared input into a path, or into a mapping of wildcards to paths."""
        if isinstance(each, One):
            return self.paths.of(each.artefact, **self._wildcards(each, row))
        if isinstance(each, Each):
            agreeing = [other for other in self.rows(each.rows) if all(other.get(k, v) == v for k, v in row.items())]
            return {_key(other, row): self.paths.of(each.artefact, **other) for other in agreeing}
        if isinstance(each, AllOf):
            return {name: self.paths.of(name) for name in STAGES[each.stage].makes}
        if isinstance(each, Shipped):
            return {path.stem: path for path in each.paths()}
        if isinstance(each, PartFiles):
            return part_files(each, self.experiment, row)
        named = typed_value(self.experiment, each.key.format(seen=self.experiment.seen, **row))
        if isinstance(named, Mapping):
            return {name: source_folder(settings.file) for name, settings in named.items()}
        return source_folder(str(named))

    def _wildcards(self, each: One, row: Row) -> Row:
        """Give the wildcards of an input: those of the job, and the names that its declaration takes instead."""
        methods = self.experiment.methods
        network = row.get("network") or (methods[row["variant"]].features if row.get("variant") in methods else None)
        own = dict(row) if network is None else row | {"network": network}
        if each.of_network:
            own["variant"] = network
        return own | {"dataset": self.experiment.seen} if each.of_seen else own

    def _check(self, stage: str, wildcards: Mapping[str, Any]) -> None:
        experiment = self.experiment
        if "variant" in wildcards:
            (experiment.method if stage in METHOD_STAGES else experiment.variant)(wildcards["variant"])
            if stage == "import_weights":
                experiment.weights(wildcards["variant"])
        if "held_out" in wildcards and wildcards["held_out"] not in experiment.held_out:
            known = ", ".join(experiment.held_out) or "nothing"
            raise AurlError(f"'{wildcards['held_out']}' is not in held_out of params.yaml, which names {known}")
        if "row" in wildcards:
            experiment.outside(wildcards["row"])
        if "dataset" in wildcards:
            settings = experiment.dataset(wildcards["dataset"])
            if not 0 <= wildcards.get("shard", 0) < settings.shards:
                raise AurlError(
                    f"--shard {wildcards['shard']}: dataset '{wildcards['dataset']}' has {settings.shards} shards,"
                    " counted from 0"
                )

    @cached_property
    def _prefix(self) -> str:
        return f"{self.paths.root}{os.sep}"

    @cached_property
    def _dumped(self) -> dict[str, Any]:
        return self.experiment.model_dump(mode="json")


def _key(other: Row, row: Row) -> Any:
    """Return the values of the wildcards that a job does not fix; a single one stands for itself."""
    values = tuple(value for name, value in other.items() if name not in row)
    return values[0] if len(values) == 1 else values

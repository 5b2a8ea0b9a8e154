"""The jobs of an experiment: what each one reads and makes.

The commands run them, the audit checks them, and a test proves that they are the jobs of the Snakefile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aurl.experiment.folders import source_folder
from aurl.experiment.settings import Experiment
from aurl.pipeline.missing_data import VECTORS, absent_data
from aurl.pipeline.paths import ResultPaths
from aurl.pipeline.stages import stage_settings
from aurl.report.figure_list import figure_files
from aurl.system.shipped import PREDICTIONS, PUBLISHED, TOKEN_TABLE, VERB_EXCEPTIONS, VERB_LEMMAS

TABLES = tuple(
    (table, extension) for table in ("ablation", "sota", "tau_sweep") for extension in ("csv", "md", "tex", "html")
)


@dataclass(frozen=True)
class Job:
    """One run of a stage. The first output is the artefact that its provenance block is named after."""

    stage: str
    wildcards: dict[str, Any]
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]


class Jobs:
    """The jobs of one experiment, by stage.

    Where the experiment may do without data that is not here (`absent`), its jobs are those that can run: no
    training, because the strict-label filter needs every dataset's classes, but the evaluation of imported
    networks on the test sets that are here, and the tables.
    """

    def __init__(self, experiment: Experiment, paths: ResultPaths) -> None:
        self.experiment, self.paths = experiment, paths
        self.absent = absent_data(experiment, paths)

    def datasets(self) -> list[str]:
        """The datasets that are here."""
        return [name for name in self.experiment.datasets if name not in self.absent]

    def embedded(self) -> list[str]:
        """The datasets whose classes can be embedded."""
        return [] if VECTORS in self.absent else self.datasets()

    def networks(self) -> list[str]:
        """The variants that can have a checkpoint."""
        return [name for name in self.experiment.variants if name in self.experiment.imported or not self.absent]

    def settings(self, job: Job) -> dict[str, Any]:
        """The job's slice of the parameters."""
        return stage_settings(job.stage, self.experiment, **job.wildcards)

    def block(self, job: Job) -> Path:
        """The job's provenance block."""
        return self.paths.provenance(job.outputs[0])

    def ingest(self, dataset: str) -> Job:
        """Videos -> the list of files (and the files, if rendered or versioned)."""
        self.experiment.dataset(dataset)
        return Job("ingest", {"dataset": dataset}, (), (self.paths.files(dataset), self.paths.dataset(dataset)))

    def manifest(self, dataset: str) -> Job:
        """List of files -> what a full decode found."""
        return Job("manifest", {"dataset": dataset}, self.ingest(dataset).outputs[:1], (self.paths.manifest(dataset),))

    def frames(self, dataset: str, shard: int) -> Job:
        """Manifest -> the packed frames of one shard."""
        outputs = (self.paths.shard(dataset, shard), self.paths.shard_index(dataset, shard))
        return Job("frames", {"dataset": dataset, "shard": shard}, (self.paths.manifest(dataset),), outputs)

    def frames_index(self, dataset: str) -> Job:
        """Shards -> their list."""
        shards = range(self.experiment.dataset(dataset).shards)
        inputs = tuple(path for shard in shards for path in self.frames(dataset, shard).outputs)
        return Job("frames_index", {"dataset": dataset}, inputs, (self.paths.frames_index(dataset),))

    def embeddings(self, dataset: str) -> Job:
        """Class names and word vectors -> class embeddings."""
        inputs = (
            *self.manifest(dataset).outputs, Path(self.experiment.semantics.vectors), TOKEN_TABLE, VERB_LEMMAS,
            VERB_EXCEPTIONS,
        )  # fmt: skip
        return Job("embeddings", {"dataset": dataset}, inputs, (self.paths.embeddings(dataset),))

    def seen_classes(self) -> Job:
        """Class embeddings of all datasets -> the seen classes to train on."""
        names = (self.experiment.seen, *self.experiment.unseen)
        return Job("seen_classes", {}, tuple(map(self.paths.embeddings, names)), (self.paths.seen_classes(),))

    def train(self, variant: str, seed: int) -> Job:
        """Frames, embeddings and seen classes -> a checkpoint. Raises: AurlError for an unknown variant."""
        self.experiment.variant(variant)
        paths, seen = self.paths, self.experiment.seen
        inputs = (paths.manifest(seen), paths.frames_index(seen), paths.embeddings(seen), paths.seen_classes())
        outputs = (
            paths.checkpoint(variant, seed),
            paths.checkpoint_description(variant, seed),
            paths.steps(variant, seed),
        )
        return Job("train", {"variant": variant, "seed": seed}, inputs, outputs)

    def import_weights(self, variant: str, seed: int) -> Job:
        """A file of published weights -> a checkpoint. Raises: AurlError if the variant is not imported."""
        source = self.experiment.weights(variant)
        outputs = (self.paths.checkpoint(variant, seed), self.paths.checkpoint_description(variant, seed))
        return Job("import_weights", {"variant": variant, "seed": seed}, (source_folder(source.file),), outputs)

    def checkpoint(self, variant: str, seed: int) -> Job:
        """The job that makes a variant's checkpoint. Raises: AurlError for an unknown variant."""
        return (self.import_weights if variant in self.experiment.imported else self.train)(variant, seed)

    def features(self, variant: str, seed: int, dataset: str) -> Job:
        """Checkpoint and frames -> embeddings of a test set. Raises: AurlError for an unknown dataset."""
        self.experiment.dataset(dataset)
        paths = self.paths
        inputs = (
            *self.checkpoint(variant, seed).outputs[:2],
            paths.manifest(dataset),
            paths.frames_index(dataset),
            paths.embeddings(dataset),
        )
        wildcards = {"variant": variant, "seed": seed, "dataset": dataset}
        return Job("features", wildcards, inputs, (paths.features(variant, seed, dataset),))

    def evaluate(self, variant: str, seed: int, dataset: str) -> Job:
        """Features -> the metrics of every protocol."""
        features = self.features(variant, seed, dataset)
        return Job("evaluate", features.wildcards, features.outputs, (self.paths.metrics(variant, seed, dataset),))

    def collect(self) -> Job:
        """All metrics -> metrics.csv."""
        inputs = tuple(self.paths.metrics(*cell) for cell in self.cells())
        return Job("collect", {}, inputs, (self.paths.metrics_csv(),))

    def statistics(self) -> Job:
        """All features -> how sure the accuracies and their differences are."""
        inputs = tuple(self.paths.features(*cell) for cell in self.cells())
        return Job("statistics", {}, inputs, (self.paths.statistics(),))

    def tables(self) -> Job:
        """metrics.csv, the statistics and what was left out -> the tables."""
        inputs = (
            self.paths.metrics_csv(), self.paths.statistics(), *self.seen_classes_file(), PUBLISHED, TOKEN_TABLE,
            *PREDICTIONS.values(), *map(self.paths.manifest, self.datasets()),
            *map(self.paths.embeddings, self.embedded()),
        )  # fmt: skip
        return Job("tables", {}, inputs, tuple(self.paths.table(*name) for name in TABLES))

    def figures(self) -> Job:
        """Metrics, features, training logs, classes and frames -> the figures, and their list."""
        paths, tested = self.paths, self.tested()
        inputs = (
            paths.metrics_csv(), *self.seen_classes_file(), *(paths.features(*cell) for cell in self.cells()),
            *(paths.steps(*network) for network in self.logged()), *self.generator_checkpoint(),
            *map(paths.manifest, tested), *map(paths.frames_index, tested), *map(paths.embeddings, self.embedded()),
        )  # fmt: skip
        outputs = (paths.figures_index(), *(paths.figure(*name) for name in figure_files()))
        return Job("figures", {}, inputs, outputs)

    def logged(self) -> list[tuple[str, int]]:
        """Every (variant, seed) that leaves a log of its training."""
        trained = [variant for variant in self.networks() if variant not in self.experiment.imported]
        return [(variant, seed) for variant in trained for seed in self.experiment.seeds]

    def generator(self) -> str | None:
        """The first variant that is trained on randomly mixed classes, where the classes of all datasets are here."""
        for name, variant in self.experiment.variants.items():
            if variant.class_generator is not None and variant.class_generator.mix == "uniform" and not self.absent:
                return name
        return None

    def generator_checkpoint(self) -> tuple[Path, ...]:
        """Checkpoint of the first seed of that variant, and its description."""
        variant = self.generator()
        return () if variant is None else self.checkpoint(variant, self.experiment.seeds[0]).outputs[:2]

    def report(self) -> Job:
        """Tables, figures and what they were made from -> the page."""
        inputs = dict.fromkeys((*self.tables().inputs, *self.tables().outputs, *self.figures().outputs))
        return Job("report", {}, tuple(inputs), (self.paths.report(),))

    def seen_classes_file(self) -> tuple[Path, ...]:
        """The file of the seen classes, where it can be made."""
        return () if self.absent else (self.paths.seen_classes(),)

    def cells(self) -> list[tuple[str, int, str]]:
        """Every (variant, seed, test set) that can be measured."""
        tested = [name for name in self.experiment.unseen if name in self.embedded()]
        return [(v, s, d) for v in self.networks() for s in self.experiment.seeds for d in tested]

    def tested(self) -> list[str]:
        """The test sets that something can be measured on."""
        return list(dict.fromkeys(dataset for _, _, dataset in self.cells()))

    def all(self) -> Iterator[Job]:
        """Every job, each after those whose outputs it reads."""
        watched = {dataset for _, _, dataset in self.cells()} if self.absent else set(self.experiment.datasets)
        for dataset in self.datasets():
            yield from (self.ingest(dataset), self.manifest(dataset))
            if dataset in watched:
                yield from (self.frames(dataset, shard) for shard in range(self.experiment.datasets[dataset].shards))
                yield self.frames_index(dataset)
        yield from map(self.embeddings, self.embedded())
        if not self.absent:
            yield self.seen_classes()
        for variant in self.networks():
            yield from (self.checkpoint(variant, seed) for seed in self.experiment.seeds)
        for cell in self.cells():
            yield from (self.features(*cell), self.evaluate(*cell))
        yield from (self.collect(), self.statistics(), self.tables(), self.figures(), self.report())

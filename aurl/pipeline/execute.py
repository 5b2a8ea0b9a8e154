"""Do a job's work: values and paths from the experiment, one call into the room that does it.

The commands execute jobs into their own outputs, a deep audit into temporary ones. Heavy modules are
imported by the stage that needs them.
"""

import gc
import importlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from aurl.experiment.folders import source_folder, video_folder
from aurl.experiment.settings import Experiment
from aurl.pipeline.jobs import TABLES, Job, Jobs
from aurl.pipeline.paths import ResultPaths
from aurl.pipeline.stages import STAGES as CODE
from aurl.report.making import Verdict
from aurl.system.errors import AurlError

if TYPE_CHECKING:
    from aurl.report.tables import Table


@dataclass(frozen=True)
class Execution:
    """A job of an experiment, where its outputs go, and what shapes how it runs but not what it makes."""

    jobs: Jobs
    job: Job
    outputs: Sequence[Path]
    workers: int = 1
    identity: str = ""
    resume: Path | None = None
    verdict: Verdict | None = None

    @property
    def experiment(self) -> Experiment:
        """The experiment that the job belongs to."""
        return self.jobs.experiment

    @property
    def paths(self) -> ResultPaths:
        """The experiment's files."""
        return self.jobs.paths

    def videos(self, dataset: str) -> Path:
        """The folder that a dataset's relative paths start from."""
        return video_folder(self.experiment.dataset(dataset).source, self.paths.dataset(dataset))


def execute(execution: Execution) -> None:
    """Do the work of a job. Raises: AurlError for bad input, OSError where results cannot be written."""
    STAGES[execution.job.stage](execution)


def load_stage(stage: str) -> None:
    """Import what a stage's work needs, and keep the garbage collector away from it, now and when the process ends.

    The collector looks through the hundreds of thousands of objects that torch is made of again and again while they
    are imported, and at the end: 0.7 of 2.1 s of a process that imports it (docs/performance.md).
    """
    gc.disable()
    try:
        importlib.import_module(CODE[stage].entry)
    finally:
        gc.enable()
    gc.freeze()


def device_of(job: Job, experiment: Experiment) -> str:
    """The kind of device that a job computes on: `cpu` or `cuda`."""
    compute = {"train": experiment.training.compute, "features": experiment.evaluation.compute}.get(job.stage)
    if compute is None:
        return "cpu"
    from aurl.system.compute import prepare_device

    return prepare_device(compute.device, compute.threads).type


def seeds_of(job: Job) -> dict[str, int]:
    """The seeds that a job draws from."""
    if job.stage != "train":
        return {}
    from aurl.training.seeds import axis_seeds

    return axis_seeds(job.wildcards["seed"])


def _ingest(run: Execution) -> None:
    from aurl.datasets.ingest import ingest_folder, ingest_rendered

    source = run.experiment.dataset(run.job.wildcards["dataset"]).source
    listing, held = run.outputs
    if source.render is not None:
        ingest_rendered(held, listing, workers=run.workers, **dict(source.render))
    else:
        assert source.folder is not None
        ingest_folder(source_folder(source.folder), source.layout, source.versioned, held, listing, run.workers)


def _manifest(run: Execution) -> None:
    from aurl.frames.manifest import make_manifest

    dataset = run.job.wildcards["dataset"]
    broken, frames = run.experiment.dataset(dataset).broken, run.experiment.frames
    make_manifest(
        run.job.inputs[0], run.videos(dataset), broken, run.outputs[0], run.workers, frames.timeout_seconds,
        frames.memory_mb,
    )  # fmt: skip


def _frames(run: Execution) -> None:
    from aurl.frames.extract import extract_shard

    dataset, number = run.job.wildcards["dataset"], run.job.wildcards["shard"]
    settings, store = run.experiment.dataset(dataset), run.experiment.frames
    shard, index = run.outputs
    extract_shard(
        run.job.inputs[0], settings.broken, run.videos(dataset), number, settings.shards, size=store.size,
        quality=store.quality, chroma=store.chroma, timeout=store.timeout_seconds, shard=shard, index=index,
        memory_mb=store.memory_mb,
    )  # fmt: skip


def _frames_index(run: Execution) -> None:
    from aurl.frames.packing import write_index

    frames = run.experiment.frames
    settings = {"size": frames.size, "quality": frames.quality, "chroma": frames.chroma}
    shards = list(zip(run.job.inputs[::2], run.job.inputs[1::2], strict=True))
    write_index(shards, settings, run.outputs[0], run.paths.frames_index(run.job.wildcards["dataset"]).parent)


def _embeddings(run: Execution) -> None:
    from aurl.semantics.embedding import embed_dataset

    settings, semantics = run.experiment.dataset(run.job.wildcards["dataset"]), run.experiment.semantics
    manifest, vectors, *_ = run.job.inputs
    embed_dataset(
        manifest, settings.broken, settings.tokens, vectors, semantics.dimension, semantics.missing, run.outputs[0]
    )


def _seen_classes(run: Execution) -> None:
    from aurl.semantics.seen import write_seen_classes

    semantics = run.experiment.semantics
    seen, *unseen = run.job.inputs
    named = dict(zip(run.experiment.unseen, unseen, strict=True))
    write_seen_classes(seen, named, semantics.tau, semantics.expected_seen_classes, run.outputs[0])


def _train(run: Execution) -> None:
    from aurl.training.distributed import World
    from aurl.training.loop import TrainingOutputs, load_training_data, train

    experiment, variant, seed = run.experiment, run.job.wildcards["variant"], run.job.wildcards["seed"]
    settings, world = experiment.variant(variant), World.of(os.environ)
    if world.size != experiment.training.processes:
        raise AurlError(
            f"training.processes = {experiment.training.processes}, but {world.size} were started; make them equal"
        )
    manifest, frames, embeddings, seen_classes = run.job.inputs
    broken = experiment.dataset(experiment.seen).broken
    data = load_training_data(manifest, broken, frames, embeddings, seen_classes, settings.strict_labels)
    checkpoint, description, steps = run.outputs
    outputs = TrainingOutputs(checkpoint, description, steps, run.resume or run.paths.resume(variant, seed))
    train(data, variant, seed, experiment.model, experiment.training, settings, outputs, run.identity, world)


def _import_weights(run: Execution) -> None:
    from aurl.models.imported import check_digest, import_checkpoint

    variant, model, (file,) = run.job.wildcards["variant"], run.experiment.model, run.job.inputs
    checkpoint, description = run.outputs
    check_digest(run.experiment.weights(variant), file)
    import_checkpoint(
        file, variant, run.job.wildcards["seed"], clip_length=model.clip_length, dropout=model.dropout,
        mean=model.mean, std=model.std, checkpoint=checkpoint, description=description,
    )  # fmt: skip


def _features(run: Execution) -> None:
    from aurl.evaluation.features import extract_features

    broken, evaluation = run.experiment.dataset(run.job.wildcards["dataset"]).broken, run.experiment.evaluation
    checkpoint, description, manifest, frames, embeddings = run.job.inputs
    extract_features(
        checkpoint, description, manifest, broken, frames, embeddings, evaluation.clips, evaluation.batch_size,
        evaluation.compute, run.outputs[0],
    )  # fmt: skip


def _evaluate(run: Execution) -> None:
    from aurl.evaluation.evaluate import evaluate

    evaluate(run.job.inputs[0], run.experiment.evaluation.splits, run.outputs[0])


def _collect(run: Execution) -> None:
    from aurl.evaluation.collect import collect_metrics

    collect_metrics(dict(zip(run.jobs.cells(), run.job.inputs, strict=True)), run.outputs[0])


def _statistics(run: Execution) -> None:
    from aurl.evaluation.statistics import write_statistics

    features = dict(zip(run.jobs.cells(), run.job.inputs, strict=True))
    experiment = run.experiment
    write_statistics(features, experiment.report.ablation_clips, experiment.evaluation.statistics, run.outputs[0])


def _made_tables(run: Execution) -> "dict[str, Table]":
    from aurl.report.tables import TableInputs, make_tables

    experiment, jobs = run.experiment, run.jobs
    inputs = TableInputs(
        jobs.paths.metrics_csv(), jobs.paths.statistics(), next(iter(jobs.seen_classes_file()), None),
        {name: jobs.paths.manifest(name) for name in jobs.datasets()},
        {name: jobs.paths.embeddings(name) for name in jobs.embedded()}, jobs.absent,
    )  # fmt: skip
    return make_tables(
        inputs,
        experiment.report,
        experiment.variants,
        experiment.imported,
        experiment.datasets,
        experiment.unseen,
        experiment.semantics.tau,
    )


def _tables(run: Execution) -> None:
    from aurl.report.tables import write_tables

    write_tables(_made_tables(run), dict(zip(TABLES, run.outputs, strict=True)))


def _figures(run: Execution) -> None:
    from aurl.report.drawing.draw import draw_figures, write_figures
    from aurl.report.figure_list import figure_files
    from aurl.report.figures.base import SETTINGS, FigureData, FigureInputs

    experiment, jobs, paths = run.experiment, run.jobs, run.paths
    generator, checkpoint = jobs.generator(), jobs.generator_checkpoint()
    inputs = FigureInputs(
        paths.metrics_csv(), next(iter(jobs.seen_classes_file()), None),
        {cell: paths.features(*cell) for cell in jobs.cells()},
        {network: paths.steps(*network) for network in jobs.logged()},
        {} if generator is None else {(generator, experiment.seeds[0]): checkpoint[0]},
        {name: paths.manifest(name) for name in jobs.tested()},
        {name: paths.frames_index(name) for name in jobs.tested()},
        {name: paths.embeddings(name) for name in jobs.embedded()},
    )  # fmt: skip
    settings = {key: attrgetter(key)(experiment) for key in SETTINGS}
    index, *files = run.outputs
    write_figures(draw_figures(FigureData(inputs, settings)), index, dict(zip(figure_files(), files, strict=True)))


def _report(run: Execution) -> None:
    from aurl.operate.making import blocks_of, making_of
    from aurl.report.page import PageInputs, write_page

    experiment, jobs, paths = run.experiment, run.jobs, run.paths
    inputs = PageInputs(
        metrics=paths.metrics_csv(),
        tables=_made_tables(run),
        table_files=dict(zip(TABLES, jobs.tables().outputs, strict=True)),
        figures=jobs.figures().outputs[0].parent,
        statistics=paths.statistics(),
        manifests={name: paths.manifest(name) for name in jobs.datasets()},
        datasets=experiment.datasets,
        blocks=blocks_of(jobs),
    )
    write_page(inputs, making_of(jobs, run.verdict), list(experiment.variants), experiment.report, run.outputs[0])


STAGES: dict[str, Callable[[Execution], None]] = {
    "ingest": _ingest, "manifest": _manifest, "frames": _frames, "frames_index": _frames_index,
    "embeddings": _embeddings, "seen_classes": _seen_classes, "train": _train,
    "import_weights": _import_weights, "features": _features,
    "evaluate": _evaluate, "collect": _collect, "statistics": _statistics, "tables": _tables, "figures": _figures,
    "report": _report,
}  # fmt: skip

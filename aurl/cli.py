"""The `aurl` command: one command for each stage, and a few around them.

Here, at the edge, `params.yaml` is read and turned into values and paths; each command then calls one
room of the package, inside a provenance block. Heavy modules are imported by the command that needs them.
"""

import functools
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from aurl.config import Experiment, load_experiment
from aurl.errors import AurlError
from aurl.lineage.provenance import Identity, recorded
from aurl.lineage.stages import stage_settings
from aurl.paths import ResultPaths, source_folder, video_folder


class Run:
    """One experiment and its paths, with the provenance block of each stage."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.paths = ResultPaths(experiment.experiment)

    def stage(
        self, name: str, outputs: Iterable[Path], inputs: Iterable[Path], *, seeds: dict[str, int] | None = None,
        device: str = "cpu", **wildcards: Any,
    ) -> AbstractContextManager[Identity]:  # fmt: skip
        """The provenance block around a stage's work; the first output is the artefact that it describes."""
        made = list(outputs)
        settings = stage_settings(name, self.experiment, **wildcards)
        block = self.paths.provenance(made[0])
        return recorded(name, block, made, inputs, settings, wildcards=wildcards, seeds=seeds, device=device)

    def videos(self, dataset: str) -> Path:
        """The folder that a dataset's relative paths start from."""
        return video_folder(self.experiment.dataset(dataset).source, self.paths.dataset(dataset))


def with_run(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the experiment of `--params`."""

    @click.pass_context
    @functools.wraps(command)
    def wrapped(context: click.Context, /, **arguments: Any) -> None:
        command(Run(load_experiment(context.obj)), **arguments)

    return wrapped


dataset_argument = click.argument("dataset")
variant_option = click.option("--variant", required=True, help="A variant of params.yaml.")
seed_option = click.option("--seed", type=int, required=True, help="A seed of params.yaml.")
workers_option = click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aurl")
@click.option(
    "--params", type=click.Path(path_type=Path), default="params.yaml", show_default=True, help="The experiment."
)
@click.pass_context
def cli(context: click.Context, params: Path) -> None:
    """A reproducible benchmark of AURL, zero-shot video classification (CVPR 2022).

    'snakemake' runs the whole experiment of params.yaml; each command here is one of its stages, or looks
    after the whole.
    """
    context.obj = params


@cli.command()
@dataset_argument
@workers_option
@with_run
def render(run: Run, dataset: str, workers: int) -> None:
    """Render a dataset of the embedded world, as real encoded files."""
    from aurl.datasets.ingest import ingest_rendered

    source = run.experiment.dataset(dataset).source
    if source.render is None:
        raise AurlError(f"dataset '{dataset}' is not rendered but lies in {source.folder}; run 'aurl ingest {dataset}'")
    held, listing = run.paths.dataset(dataset), run.paths.files(dataset)
    with run.stage("ingest", [listing, held], [], dataset=dataset):
        ingest_rendered(held, listing, workers=workers, **dict(source.render))


@cli.command()
@dataset_argument
@workers_option
@with_run
def ingest(run: Run, dataset: str, workers: int) -> None:
    """List a dataset's files with their SHA-256, and copy them if the dataset is versioned."""
    from aurl.datasets.ingest import ingest_folder

    source = run.experiment.dataset(dataset).source
    if source.folder is None:
        raise AurlError(f"dataset '{dataset}' is rendered, it has no folder; run 'aurl render {dataset}'")
    held, listing = run.paths.dataset(dataset), run.paths.files(dataset)
    with run.stage("ingest", [listing, held], [], dataset=dataset):
        ingest_folder(source_folder(source.folder), source.layout, source.versioned, held, listing, workers)


@cli.command()
@dataset_argument
@workers_option
@with_run
def manifest(run: Run, dataset: str, workers: int) -> None:
    """Decode every video of a dataset and write what was found."""
    from aurl.datasets.manifest import make_manifest

    settings = run.experiment.dataset(dataset)
    listing, output = run.paths.files(dataset), run.paths.manifest(dataset)
    with run.stage("manifest", [output], [listing], dataset=dataset):
        timeout = run.experiment.frames.timeout_seconds
        make_manifest(listing, run.videos(dataset), settings.broken, output, workers, timeout)


@cli.command()
@dataset_argument
@click.option("--shard", type=click.IntRange(0), default=0, show_default=True, help="Number of the shard.")
@with_run
def frames(run: Run, dataset: str, shard: int) -> None:
    """Extract the frames of one shard of a dataset."""
    from aurl.frames.extract import extract_shard

    settings, store = run.experiment.dataset(dataset), run.experiment.frames
    if shard >= settings.shards:
        raise AurlError(f"--shard {shard}: dataset '{dataset}' has {settings.shards} shards, counted from 0")
    table = run.paths.manifest(dataset)
    output, index = run.paths.shard(dataset, shard), run.paths.shard_index(dataset, shard)
    with run.stage("frames", [output, index], [table], dataset=dataset, shard=shard):
        extract_shard(
            table, settings.broken, run.videos(dataset), shard, settings.shards, size=store.size, quality=store.quality,
            chroma=store.chroma, timeout=store.timeout_seconds, shard=output, index=index,
        )  # fmt: skip


@cli.command("frames-index")
@dataset_argument
@with_run
def frames_index(run: Run, dataset: str) -> None:
    """List a dataset's shards with their SHA-256."""
    from aurl.frames.packing import write_index

    shards = range(run.experiment.dataset(dataset).shards)
    files = [(run.paths.shard(dataset, shard), run.paths.shard_index(dataset, shard)) for shard in shards]
    output = run.paths.frames_index(dataset)
    settings = run.experiment.frames
    with run.stage("frames_index", [output], [path for pair in files for path in pair], dataset=dataset):
        write_index(files, {"size": settings.size, "quality": settings.quality, "chroma": settings.chroma}, output)


@cli.command()
@dataset_argument
@with_run
def embeddings(run: Run, dataset: str) -> None:
    """Embed a dataset's class names with the word vectors."""
    from aurl.semantics.embedding import embed_dataset
    from aurl.semantics.tokens import TOKEN_TABLE

    settings, semantics = run.experiment.dataset(dataset), run.experiment.semantics
    table, vectors, output = run.paths.manifest(dataset), Path(semantics.vectors), run.paths.embeddings(dataset)
    inputs = [path for path in (table, vectors, TOKEN_TABLE) if path.is_file()]  # a missing one is named below
    with run.stage("embeddings", [output], inputs, dataset=dataset):
        embed_dataset(table, settings.broken, settings.tokens, vectors, semantics.dimension, semantics.missing, output)


@cli.command("seen-classes")
@with_run
def seen_classes(run: Run) -> None:
    """Apply the strict-label filter: which seen classes to train on."""
    from aurl.semantics.seen import write_seen_classes

    semantics, output = run.experiment.semantics, run.paths.seen_classes()
    seen = run.paths.embeddings(run.experiment.seen)
    unseen = {name: run.paths.embeddings(name) for name in run.experiment.unseen}
    with run.stage("seen_classes", [output], [seen, *unseen.values()]):
        write_seen_classes(seen, unseen, semantics.tau, semantics.expected_seen_classes, output)


@cli.command()
@variant_option
@seed_option
@with_run
def train(run: Run, variant: str, seed: int) -> None:
    """Train one variant with one seed; resumes after a kill."""
    settings = run.experiment.variant(variant)
    from aurl.compute import prepare_device
    from aurl.training.loop import TrainingOutputs, load_training_data
    from aurl.training.loop import train as train_variant
    from aurl.training.seeds import axis_seeds

    paths, seen = run.paths, run.experiment.seen
    compute = run.experiment.training.compute
    outputs = TrainingOutputs(
        paths.checkpoint(variant, seed), paths.checkpoint_description(variant, seed),
        paths.steps(variant, seed), paths.resume(variant, seed),
    )  # fmt: skip
    inputs = (paths.manifest(seen), paths.frames_index(seen), paths.embeddings(seen), paths.seen_classes())
    device = prepare_device(compute.device, compute.threads).type
    made = [outputs.checkpoint, outputs.description, outputs.steps]
    with run.stage(
        "train", made, inputs, seeds=axis_seeds(seed), device=device, variant=variant, seed=seed
    ) as identity:
        data = load_training_data(inputs[0], run.experiment.dataset(seen).broken, *inputs[1:], settings.strict_labels)
        model, training = run.experiment.model, run.experiment.training
        train_variant(data, variant, seed, model, training, settings, outputs, identity.digest())


@cli.command()
@variant_option
@seed_option
@dataset_argument
@with_run
def features(run: Run, variant: str, seed: int, dataset: str) -> None:
    """Embed a test set with a trained model, at every clip count."""
    run.experiment.variant(variant)
    settings, evaluation = run.experiment.dataset(dataset), run.experiment.evaluation
    from aurl.compute import prepare_device
    from aurl.evaluation.features import extract_features

    paths, compute = run.paths, evaluation.compute
    inputs = (
        paths.checkpoint(variant, seed), paths.checkpoint_description(variant, seed),
        paths.manifest(dataset), paths.frames_index(dataset), paths.embeddings(dataset),
    )  # fmt: skip
    output = paths.features(variant, seed, dataset)
    device = prepare_device(compute.device, compute.threads).type
    with run.stage("features", [output], inputs, device=device, variant=variant, seed=seed, dataset=dataset):
        checkpoint, description, table, index, classes = inputs
        extract_features(
            checkpoint, description, table, settings.broken, index, classes, evaluation.clips,
            evaluation.batch_size, compute, output,
        )  # fmt: skip


@cli.command()
@variant_option
@seed_option
@dataset_argument
@with_run
def evaluate(run: Run, variant: str, seed: int, dataset: str) -> None:
    """Evaluate every protocol of one variant, seed and test set."""
    run.experiment.variant(variant)
    run.experiment.dataset(dataset)
    from aurl.evaluation.evaluate import evaluate as evaluate_features

    source, output = run.paths.features(variant, seed, dataset), run.paths.metrics(variant, seed, dataset)
    with run.stage("evaluate", [output], [source], variant=variant, seed=seed, dataset=dataset):
        evaluate_features(source, run.experiment.evaluation.splits, output)


@cli.command()
@with_run
def collect(run: Run) -> None:
    """Collect all metrics into metrics.csv."""
    from aurl.evaluation.collect import collect_metrics

    experiment, output = run.experiment, run.paths.metrics_csv()
    metrics = {
        (variant, seed, dataset): run.paths.metrics(variant, seed, dataset)
        for variant in experiment.variants
        for seed in experiment.seeds
        for dataset in experiment.unseen
    }
    with run.stage("collect", [output], metrics.values()):
        collect_metrics(metrics, output)


@cli.command()
@with_run
def tables(run: Run) -> None:
    """Write the paper's tables: ours, published, difference."""
    from aurl.report import tables as report
    from aurl.report.results import PUBLISHED, Results
    from aurl.semantics.tokens import TOKEN_TABLE

    experiment, paths = run.experiment, run.paths
    names = [(table, extension) for table in ("ablation", "sota") for extension in report.EXTENSIONS]
    files = {(table, extension): paths.table(table, extension) for table, extension in names}
    data = {name: (paths.manifest(name), paths.embeddings(name)) for name in experiment.datasets}
    inputs = [
        paths.metrics_csv(),
        paths.seen_classes(),
        PUBLISHED,
        TOKEN_TABLE,
        *(path for pair in data.values() for path in pair),
    ]
    with run.stage("tables", files.values(), inputs):
        results = Results(paths.metrics_csv())
        notes = report.describe_setting(results, paths.seen_classes(), experiment.semantics.tau, experiment.report)
        for name, settings in experiment.datasets.items():
            tested = "" if name == experiment.seen else f"; {report.describe_tested(results, name)}"
            notes.append(f"{report.describe_dataset(name, settings, *data[name])}{tested}.")
        made = {
            "ablation": report.ablation_table(results, experiment.variants, experiment.report, notes),
            "sota": report.sota_table(results, experiment.report, notes),
        }
        report.write_tables(made, files)


@cli.command()
@with_run
def figures(run: Run) -> None:
    """Draw the figures."""
    from aurl.report.figures import EXTENSIONS, draw_ablation

    files = {extension: run.paths.figure("ablation", extension) for extension in EXTENSIONS}
    with run.stage("figures", files.values(), [run.paths.metrics_csv()]):
        draw_ablation(run.paths.metrics_csv(), list(run.experiment.variants), run.experiment.report, files)


@cli.command()
@with_run
def summary(run: Run) -> None:
    """Print the ablation table, where the files lie, and the time of each stage."""
    from aurl.report.summary import summarise

    click.echo(summarise(run.paths))


@cli.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Leave the present experiment although it is not recorded.")
@click.pass_context
def use(context: click.Context, name: str, force: bool) -> None:
    """Write params.yaml from the preset NAME, and say what changes."""
    from aurl.lineage.presets import use_preset

    for line in use_preset(name, context.obj, force):
        click.echo(line)


@cli.command()
@click.option("--accept", is_flag=True, help="Record outputs that changed although nothing they depend on did.")
@with_run
def record(run: Run, accept: bool) -> None:
    """Record the finished experiment with DVC (writes dvc.lock; never runs git)."""
    from aurl.lineage.record import record_experiment

    for line in record_experiment(run.experiment.experiment, accept):
        click.echo(line)


@cli.command()
@click.option("--pull/--no-pull", default=True, help="Fetch from the DVC remote first.")
@with_run
def sync(run: Run, pull: bool) -> None:
    """After a clone or checkout: bring the recorded results, and tell Snakemake that they are up to date."""
    from aurl.lineage.record import sync_experiment

    for line in sync_experiment(run.experiment.experiment, pull):
        click.echo(line)


def main() -> None:
    """Run a command; bad input becomes one line on standard error and exit status 1."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit("aurl: interrupted; what was finished is kept")
    except AurlError as error:
        sys.exit(f"aurl: error: {error}")
    except FileNotFoundError as error:
        sys.exit(
            f"aurl: error: {error.filename}: no such file; run the stage that makes it ('snakemake -- {error.filename}')"
        )
    except OSError as error:
        sys.exit(
            f"aurl: error: {error.filename or 'writing results'}: {error.strerror or error}; finished results are untouched"
        )


if __name__ == "__main__":
    main()

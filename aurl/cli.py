"""The `aurl` command: one command for each stage, and a few around them.

Here, at the edge, `params.yaml` is read and checked; each command of a stage executes one job of the
experiment. Heavy modules are imported by the command that needs them.
"""

import functools
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import click

from aurl.experiment.read import load_experiment
from aurl.experiment.settings import ComputeSettings, Experiment
from aurl.lineage.blocks import identity_of, recorded
from aurl.operate.intact import check_inputs
from aurl.pipeline.execute import Execution, device_of, execute, load_stage, seeds_of
from aurl.pipeline.jobs import Job, Jobs
from aurl.pipeline.paths import ResultPaths
from aurl.report.making import Verdict
from aurl.system.digests import Digests
from aurl.system.errors import AurlError
from aurl.system.shipped import SOURCES


class Run:
    """One experiment, its paths and its jobs."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.paths = ResultPaths(experiment.experiment)
        self.jobs = Jobs(experiment, self.paths)

    def execute(self, job: Job, workers: int = 1, verdict: Verdict | None = None) -> None:
        """Do a job, and leave its provenance block; of several processes of one job the first one leaves it."""
        load_stage(job.stage)
        device, seeds = device_of(job, self.experiment), seeds_of(job)
        identity = identity_of(job, self.jobs.settings(job), seeds, device)
        check_inputs(self.jobs, job, identity.inputs, Digests())
        first = os.environ.get("RANK", "0") == "0"
        with recorded(identity, job, self.jobs.block(job)) if first else nullcontext():
            execute(Execution(self.jobs, job, job.outputs, workers, identity.digest(), verdict=verdict))


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
    folder = run.experiment.dataset(dataset).source.folder
    if folder is not None:
        raise AurlError(f"dataset '{dataset}' is not rendered but lies in {folder}; run 'aurl ingest {dataset}'")
    run.execute(run.jobs.ingest(dataset), workers)


@cli.command()
@dataset_argument
@workers_option
@with_run
def ingest(run: Run, dataset: str, workers: int) -> None:
    """List a dataset's files with their SHA-256, and copy them if the dataset is versioned."""
    if run.experiment.dataset(dataset).source.folder is None:
        raise AurlError(f"dataset '{dataset}' is rendered, it has no folder; run 'aurl render {dataset}'")
    run.execute(run.jobs.ingest(dataset), workers)


@cli.command()
@dataset_argument
@workers_option
@with_run
def manifest(run: Run, dataset: str, workers: int) -> None:
    """Decode every video of a dataset and write what was found."""
    run.execute(run.jobs.manifest(dataset), workers)


@cli.command()
@dataset_argument
@click.option("--shard", type=click.IntRange(0), default=0, show_default=True, help="Number of the shard.")
@with_run
def frames(run: Run, dataset: str, shard: int) -> None:
    """Extract the frames of one shard of a dataset."""
    shards = run.experiment.dataset(dataset).shards
    if shard >= shards:
        raise AurlError(f"--shard {shard}: dataset '{dataset}' has {shards} shards, counted from 0")
    run.execute(run.jobs.frames(dataset, shard))


@cli.command("frames-index")
@dataset_argument
@with_run
def frames_index(run: Run, dataset: str) -> None:
    """List a dataset's shards with their SHA-256."""
    run.execute(run.jobs.frames_index(dataset))


@cli.command()
@dataset_argument
@with_run
def embeddings(run: Run, dataset: str) -> None:
    """Embed a dataset's class names with the word vectors."""
    run.execute(run.jobs.embeddings(dataset))


@cli.command("seen-classes")
@with_run
def seen_classes(run: Run) -> None:
    """Apply the strict-label filter: which seen classes to train on."""
    run.execute(run.jobs.seen_classes())


@cli.command()
@variant_option
@seed_option
@with_run
def train(run: Run, variant: str, seed: int) -> None:
    """Train one variant with one seed; resumes after a kill.

    Where training.processes is above 1 it becomes torchrun, which starts that many (in a Slurm job, on all of its
    nodes), or is one of those that torchrun started.
    """
    training = run.experiment.training
    if "WORLD_SIZE" in os.environ:
        from aurl.training.distributed import end_with_parent

        end_with_parent()
    elif training.processes > 1:
        from aurl.training.distributed import launch

        launch(training.processes, training.compute.threads + training.compute.workers, sys.argv[1:])
    run.execute(run.jobs.train(variant, seed))


@cli.command("import-weights")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@variant_option
@click.option("--seed", type=int, help="Without FILE: do the import that params.yaml declares (as the workflow does).")
@click.option("--force", is_flag=True, help="Replace a checkpoint that was trained.")
@click.pass_context
def import_weights(context: click.Context, file: Path | None, variant: str, seed: int | None, force: bool) -> None:
    """Let a file of published weights take the place of a variant's training, or start it (an R(2+1)D alone).

    FILE is the AURL authors' checkpoint, the earlier paper's, or torchvision's r2plus1d_18. It is checked and named
    in params.yaml with its SHA-256; 'snakemake' then evaluates it. Nothing in FILE is executed.
    """
    experiment = load_experiment(context.obj)
    if file is not None:
        from aurl.operate.import_weights import declare_weights

        for line in declare_weights(context.obj, experiment, variant, file, force):
            click.echo(line)
    elif seed is None:
        raise AurlError("import-weights: give a FILE of published weights")
    else:
        run = Run(experiment)
        run.execute(run.jobs.import_weights(variant, seed))


@cli.command()
@variant_option
@seed_option
@dataset_argument
@with_run
def features(run: Run, variant: str, seed: int, dataset: str) -> None:
    """Embed a test set with a trained model, at every clip count."""
    run.execute(run.jobs.features(variant, seed, dataset))


@cli.command()
@variant_option
@seed_option
@dataset_argument
@with_run
def evaluate(run: Run, variant: str, seed: int, dataset: str) -> None:
    """Evaluate every protocol of one variant, seed and test set."""
    run.execute(run.jobs.evaluate(variant, seed, dataset))


@cli.command()
@click.option("--checkpoint", type=click.Path(path_type=Path), required=True, help="A .safetensors of 'aurl train'.")
@click.option("--clips", type=click.Path(path_type=Path), help="Clips, .npy uint8 (clips, frames, height, width, 3).")
@click.option("--vectors", type=click.Path(path_type=Path), help="Word vectors, .npy floating point (rows, dimension).")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="An .npz: video, word.")
@click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True, help="Clips at a time.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]), default="float32", show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of the CPU.")
def encode(
    checkpoint: Path, clips: Path | None, vectors: Path | None, output: Path, batch_size: int,
    device: Literal["auto", "cpu", "cuda"], precision: Literal["float32", "bfloat16"], threads: int,
) -> None:  # fmt: skip
    """Embed clips and word vectors of your own with a checkpoint."""
    from aurl.inference.encode import encode as encode_files

    compute = ComputeSettings(device=device, precision=precision, threads=threads)
    encode_files(checkpoint, clips, vectors, output, batch_size, compute)


@cli.command()
@click.argument("videos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--classes", metavar="NAMES", help='Class names: "archery,horse riding".')
@click.option("--classes-file", type=click.Path(path_type=Path), help="Class names, one on each line.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="A .safetensors of 'aurl train', or:")
@click.option("--variant", help="A variant of the present experiment (default: aurl).")
@click.option("--seed", type=int, help="A seed of the present experiment (default: its first).")
@click.option("--vectors", type=click.Path(path_type=Path), help="Word vectors (default: the experiment's).")
@click.option("--tokens", type=click.Choice(["words", "lemmas"]), help="How names become words (docs/tokens.md).")
@click.option("--clips", type=click.IntRange(1), default=1, show_default=True, help="Clips of a video to average.")
@click.option("--size", type=click.IntRange(16, 512), help="Frame size, for imported weights (112).")
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="Classes to show.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_run
def predict(
    run: Run, videos: tuple[Path, ...], classes: str | None, classes_file: Path | None, checkpoint: Path | None,
    variant: str | None, seed: int | None, vectors: Path | None, tokens: str | None, clips: int, size: int | None,
    top: int, as_json: bool,
) -> None:  # fmt: skip
    """Say which of any class names fit VIDEOS best; exit status 1 if a video cannot be read."""
    from aurl.inference import predict as prediction

    names = prediction.class_names(classes, classes_file)
    chosen = prediction.choose_checkpoint(run.experiment, run.paths, checkpoint, variant, seed)
    encoder = prediction.choose_encoder(run.experiment.semantics.encoder, vectors)
    evaluation, frames = run.experiment.evaluation, run.experiment.frames
    if tokens is None:
        tokens = "words" if run.experiment.dataset(run.experiment.seen).tokens == "words" else "lemmas"
    answer = prediction.predict(
        list(videos), names, chosen, encoder, clips, frames, evaluation.batch_size, evaluation.compute, size, tokens
    )
    if answer.predictions or as_json:
        click.echo(prediction.as_json(answer, top) if as_json else prediction.as_text(answer, top))
    if answer.failures:
        sys.exit(1)


@cli.command()
@with_run
def collect(run: Run) -> None:
    """Collect all metrics into metrics.csv."""
    run.execute(run.jobs.collect())


@cli.command()
@with_run
def statistics(run: Run) -> None:
    """Intervals of the accuracies over all classes, and paired tests of the ablation."""
    run.execute(run.jobs.statistics())


@cli.command()
@with_run
def tables(run: Run) -> None:
    """Write the paper's tables: ours, published, difference."""
    run.execute(run.jobs.tables())


@cli.command()
@with_run
def figures(run: Run) -> None:
    """Draw the figures."""
    run.execute(run.jobs.figures())


@cli.command()
@click.option("--audit", "audit_first", is_flag=True, help="Audit every artefact first, and show the verdict.")
@with_run
def report(run: Run, audit_first: bool) -> None:
    """Write results/<experiment>/report.html: tables, figures and how they were made, in one page."""
    from aurl.operate.making import audited

    run.execute(run.jobs.report(), verdict=audited(run.jobs) if audit_first else None)


@cli.command("export-tensorboard")
@click.option("--to", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Default: runs/<experiment>.")
@with_run
def export_tensorboard(run: Run, folder: Path | None) -> None:
    """Write TensorBoard event files from the logs of the trainings that are there."""
    from aurl.report.tensorboard import export_steps

    logs = {(variant, seed): run.paths.steps(variant, seed) for variant in run.experiment.trained
            for seed in run.experiment.seeds}  # fmt: skip
    folder = folder or Path("runs") / run.experiment.experiment
    for line in export_steps(logs, folder):
        click.echo(line)


@cli.command()
@with_run
def plan(run: Run) -> None:
    """Print what the experiment will take (videos, disk, FLOPs, hours on the devices here), and what is missing."""
    from aurl.fetch.sources import load_sources
    from aurl.plan.report import plan_experiment

    for section in plan_experiment(run.experiment, load_sources(SOURCES)):
        click.echo(section)


@cli.command()
@with_run
def summary(run: Run) -> None:
    """Print the ablation table, where the files lie, and the time of each stage."""
    from aurl.report.summary import summarise

    click.echo(summarise(run.paths))


@cli.command()
@click.option(
    "--watch", "seconds", type=click.FloatRange(0.1), is_flag=False, flag_value=2.0, metavar="[SECONDS]",
    help="Draw it again every so many seconds (2), until all is done or you press Ctrl-C.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_run
def status(run: Run, seconds: float | None, as_json: bool) -> None:
    """Show where the experiment stands: jobs done, running, waiting, failed; exit status 1 if a job failed."""
    import time

    from aurl.operate import status_report
    from aurl.operate.status import survey

    click.get_current_context().color = False if os.environ.get("NO_COLOR") else None
    if seconds is not None and as_json:
        raise AurlError("status: give --watch or --json, not both")
    if seconds is not None:
        overview = status_report.watch(lambda: survey(run.jobs), seconds, sys.stdout.isatty())
    else:
        overview = survey(run.jobs)
        now = time.time()
        click.echo(status_report.as_json(overview, now) if as_json else status_report.as_text(overview, now))
    if overview.of("failed"):
        sys.exit(1)


@cli.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Leave the present experiment although it is not recorded.")
@click.pass_context
def use(context: click.Context, name: str, force: bool) -> None:
    """Write params.yaml from the preset NAME, and say what changes."""
    from aurl.operate.presets import use_preset

    for line in use_preset(name, context.obj, force):
        click.echo(line)


@cli.command()
@click.option("--accept", is_flag=True, help="Record outputs that changed although nothing they depend on did.")
@with_run
def record(run: Run, accept: bool) -> None:
    """Record the finished experiment with DVC (writes dvc.lock; never runs git)."""
    from aurl.lineage.record import record_experiment

    for line in record_experiment(run.experiment.experiment, accept, run.jobs.absent):
        click.echo(line)


@cli.command()
@click.option("--pull/--no-pull", default=True, help="Fetch from the DVC remote first.")
@with_run
def sync(run: Run, pull: bool) -> None:
    """After a clone or checkout: bring the recorded results, and tell Snakemake that they are up to date."""
    from aurl.lineage.record import sync_experiment

    for line in sync_experiment(run.experiment.experiment, pull, bool(run.jobs.absent)):
        click.echo(line)


@cli.command()
@click.argument("table", default="ablation")
@click.option("--cell", help="variant,dataset[,seed]: only what stands behind these cells.")
@click.option("--all", "everything", is_flag=True, help="Every artefact of the experiment.")
@click.option("--deep", is_flag=True, help="Also recompute embeddings, features, metrics, statistics and figures.")
@click.option("--retrain", multiple=True, metavar="VARIANT", help="Also train this variant again and compare.")
@click.option("--no-cache", is_flag=True, help="Read every file again, whatever its time says.")
@click.option("--chain/--no-chain", default=None, help="Print the chain (default: with --cell).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page.")
@with_run
def audit(
    run: Run, table: str, cell: str | None, everything: bool, deep: bool, retrain: tuple[str, ...], no_cache: bool,
    chain: bool | None, as_json: bool, html: Path | None,
) -> None:  # fmt: skip
    """Trace TABLE (ablation, sota, metrics) to the data, and verify every step; exit status 1 unless all agree."""
    from aurl.audit import report as audit_report
    from aurl.audit.audit import Audit, select_jobs
    from aurl.lineage.blocks import git_state
    from aurl.system.digests import CACHE

    for variant in retrain:
        run.experiment.variant(variant)
    jobs = select_jobs(run.jobs, "all" if everything else table, cell)
    report = Audit(run.experiment, Digests(None if no_cache else CACHE), deep, retrain).run(jobs)
    if git_state().get("dirty", False):
        report.notes.append("git's working tree has uncommitted changes")
    click.echo(
        audit_report.as_json(report)
        if as_json
        else audit_report.as_text(report, bool(cell) if chain is None else chain)
    )
    if html is not None:
        audit_report.write_page(
            report, html, f"Audit of {'everything' if everything else table} in {run.experiment.experiment}"
        )
    if report.findings():
        sys.exit(1)


@cli.command()
@click.argument("stage")
@click.option("--variant")
@click.option("--seed", type=int)
@click.option("--dataset")
@with_run
def rerun(run: Run, stage: str, variant: str | None, seed: int | None, dataset: str | None) -> None:
    """Run STAGE again (for one variant, seed or dataset) with what follows, and show before and after."""
    from aurl.operate.rerun import choose
    from aurl.operate.rerun import rerun as rerun_jobs

    for line in rerun_jobs(run.jobs, choose(run.jobs, stage, variant=variant, seed=seed, dataset=dataset)):
        click.echo(line)


@cli.command()
@click.argument("cell")
@with_run
def history(run: Run, cell: str) -> None:
    """Show CELL (variant,seed,dataset[,clips[,splits[,metric]]]) over git's commits, with what changed behind it."""
    from aurl.lineage.history import history as history_of
    from aurl.lineage.history import parse_cell

    for entry in history_of(parse_cell(cell, run.experiment.experiment)):
        value = "(not in the cache)" if entry.value is None else f"{entry.value:.6f}"
        click.echo(f"{entry.commit[:10]} {entry.date} {value}  {entry.subject}")
        for change in entry.changes:
            click.echo(f"    {change}")


@cli.command()
@click.argument("name")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    default="datasets",
    show_default=True,
    metavar="DIR",
    help="Folder that holds all datasets.",
)
@click.option("--from", "origin", metavar="URL_OR_FOLDER", help="Take the files, under their own names, from here.")
@click.option("--check", "check_only", is_flag=True, help="Only check what is there.")
@click.option("--keep-archives", is_flag=True, help="Leave the archives in DIR/archives.")
def fetch(name: str, folder: Path, origin: str | None, check_only: bool, keep_archives: bool) -> None:
    """Fetch, unpack and check ucf101, hmdb51, kinetics700 or vectors, from the official sources."""
    from aurl.fetch import fetch as fetching
    from aurl.fetch.sources import find_source, load_sources

    source = find_source(load_sources(SOURCES), name)
    lines = (
        fetching.check_present(source, folder) if check_only else fetching.fetch(source, folder, origin, keep_archives)
    )
    for line in lines:
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
        made = str(error.filename).startswith("results/")
        mend = f"run the stage that makes it ('snakemake -- {error.filename}')" if made else "check params.yaml"
        sys.exit(f"aurl: error: {error.filename}: no such file; {mend}")
    except OSError as error:
        sys.exit(
            f"aurl: error: {error.filename or 'writing results'}: {error.strerror or error}; finished results are untouched"
        )


if __name__ == "__main__":
    main()

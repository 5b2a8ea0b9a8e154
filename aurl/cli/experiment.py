"""Commands that choose, plan and feed an experiment."""

from pathlib import Path

import click

from aurl.cli.common import with_jobs
from aurl.cli.places import USER_PATH, check_inside
from aurl.cli.stages import run_stage
from aurl.experiment.external import TRACKS
from aurl.experiment.read import load_experiment
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.stages import STAGES
from aurl.system import shipped
from aurl.system.errors import AurlError


@click.command()
@click.argument("name", required=False)
@click.option("--force", is_flag=True, hidden=True, help="Without effect: nothing is refused.")
@click.option("--all", "everything", is_flag=True, help="Show every key that changes.")
@click.pass_context
def use(context: click.Context, /, name: str | None, everything: bool, **_: bool) -> None:
    """Write params.yaml from the preset NAME; without NAME, list the presets.

    Results of the experiment that you leave stay in results/, and an edited params.yaml is kept.
    """
    from aurl.operate.use_preset import list_presets, use_preset

    check_inside()
    for line in list_presets(context.obj) if name is None else use_preset(name, context.obj, everything):
        click.echo(line)


@click.command()
@with_jobs
def plan(jobs: Jobs) -> None:
    """Print what the experiment will take (videos, disk, FLOPs, hours on the devices here), and what is missing."""
    from aurl.fetch.sources import load_sources
    from aurl.plan.report import plan_experiment

    for section in plan_experiment(jobs.experiment, load_sources(shipped.SOURCES)):
        click.echo(section)


@click.command()
@click.argument("name")
@click.option(
    "--to", "folder", type=USER_PATH, metavar="DIR", help="Folder that holds all datasets.  [default: datasets]"
)
@click.option("--from", "origin", metavar="URL_OR_FOLDER", help="Take the files, under their own names, from here.")
@click.option("--check", "check_only", is_flag=True, help="Only check what is there.")
@click.option("--keep-archives", is_flag=True, help="Leave the archives in DIR/archives.")
def fetch(name: str, folder: Path | None, origin: str | None, check_only: bool, keep_archives: bool) -> None:
    """Fetch, unpack and check ucf101, hmdb51, kinetics700 or vectors, from the official sources."""
    from aurl.fetch import fetch as fetching
    from aurl.fetch.sources import find_source, load_sources

    source, folder = find_source(load_sources(shipped.SOURCES), name), folder or Path("datasets")
    lines = (
        fetching.check_present(source, folder) if check_only else fetching.fetch(source, folder, origin, keep_archives)
    )
    for line in lines:
        click.echo(line)


@click.command("add-scores")
@click.argument("file", type=USER_PATH)
@click.option("--row", required=True, metavar="NAME", help="The row's name in params.yaml, such as clip_b16.")
@click.option("--test-set", "key", required=True, metavar="KEY", help="A key of report.test_sets.")
@click.option("--label", help="The row's label in tables (default: its name).")
@click.option("--track", type=click.Choice(TRACKS), help="The regime of the method; a new row needs it.")
@click.option("--clips", type=click.IntRange(1), help="Clips of a video that the method averages (default: 1).")
@click.pass_context
def add_scores(
    context: click.Context, file: Path, row: str, key: str, label: str | None, track: str | None, clips: int | None
) -> None:
    """Let the scores in FILE, of any method, be a row of all tables, figures and statistics.

    FILE is as for 'aurl score' (docs/scoring.md). It is checked and named in params.yaml with its SHA-256.
    """
    from aurl.operate.add_scores import declare_scores

    given = {"label": label, "track": track, "clips": clips}
    for line in declare_scores(context.obj, Jobs(load_experiment(context.obj)), file, row, key, given):
        click.echo(line)


@click.command("import-weights")
@click.argument("file", type=USER_PATH, required=False)
@click.option("--variant", required=True, help="A variant of params.yaml.")
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
        run_stage(Jobs(experiment), STAGES["import_weights"], variant=variant, seed=seed)

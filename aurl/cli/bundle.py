"""Commands for files that carry their own proof: bundle, verify, leaderboard."""

import sys
from pathlib import Path

import click

from aurl.cli.common import with_jobs
from aurl.pipeline.jobs import Jobs

LARGE = ("checkpoints", "features", "frames", "videos")


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file.  [default: EXPERIMENT.crate.zip]")
@click.option("--with", "asked", multiple=True, type=click.Choice(LARGE), help="Hold these too; may be repeated.")
@click.option("--without-features", is_flag=True, help="Leave features out; then no metric can be recomputed.")
@click.option("--sign", "key", type=click.Path(path_type=Path), help="Sign with this SSH key (ssh-keygen -Y sign).")
@with_jobs
def bundle(jobs: Jobs, output: Path | None, asked: tuple[str, ...], without_features: bool, key: Path | None) -> None:
    """Pack the finished experiment into one file that others can verify (docs/verify.md)."""
    from aurl.bundle.make import make_bundle

    target = output or Path(f"{jobs.experiment.experiment}.crate.zip")
    for line in make_bundle(jobs, target, asked, without_features, key):
        click.echo(line)

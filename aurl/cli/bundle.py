"""Commands for files that carry their own proof: bundle, verify, leaderboard."""

import sys
from pathlib import Path

import click

from aurl.cli.common import with_jobs
from aurl.pipeline.jobs import Jobs
from aurl.system.errors import printable

LARGE = ("checkpoints", "features", "frames", "videos")


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file.  [default: EXPERIMENT.crate.zip]")
@click.option("--with", "asked", multiple=True, type=click.Choice(LARGE), help="Hold these too; may be repeated.")
@click.option("--without-features", is_flag=True, help="Leave features out; then no metric can be recomputed.")
@click.option("--sign", "key", type=click.Path(path_type=Path), help="Sign with this SSH key (ssh-keygen -Y sign).")
@with_jobs
def bundle(jobs: Jobs, output: Path | None, asked: tuple[str, ...], without_features: bool, key: Path | None) -> None:
    """Pack the finished experiment into one file that others can verify (docs/verify.md)."""
    from aurl.audit.bundle.make import make_bundle

    target = output or Path(f"{jobs.experiment.experiment}.crate.zip")
    for line in make_bundle(jobs, target, asked, without_features, key):
        click.echo(line)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--cell", help="variant,dataset[,seed]: only what stands behind this cell; prints its chain.")
@click.option("--signers", type=click.Path(path_type=Path), help="Allowed signers, as ssh-keygen reads them.")
@click.option("--quick", is_flag=True, help="Compute nothing again: files, chain, code and splits only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--rerun", "stage", metavar="STAGE", help="Then run this stage again WITH THE BUNDLE'S CODE, and compare."
)
@click.option("--python", type=click.Path(path_type=Path), help="For --rerun: an environment, not one of the lock.")
@click.option("--yes", is_flag=True, help="For --rerun: do not ask.")
def verify(
    file: Path, cell: str | None, signers: Path | None, quick: bool, as_json: bool, stage: str | None,
    python: Path | None, yes: bool,
) -> None:  # fmt: skip
    """Verify a bundle: digests, chain, splits, metrics, tables; exit status 1 unless all agree.

    It needs no params.yaml, git or DVC, and runs nothing of the bundle but with --rerun (docs/verify.md).
    """
    from aurl.audit.bundle import verdict as verdicts
    from aurl.audit.bundle.verify import verify as verify_file

    verdict = verify_file(file, cell, signers, quick)
    click.echo(verdicts.as_json(verdict) if as_json else verdicts.as_text(verdict))
    agrees = verdict.agrees
    if stage is not None:
        from aurl.audit.bundle import rerun
        from aurl.report.compare_files import compare_files

        if not yes:
            click.confirm(f"{rerun.warning(verdict, stage)}. Go on?", abort=True, err=True)
        outcome = rerun.rerun(verdict, stage, compare_files, cell, python, lambda line: click.echo(line, err=True))
        click.echo("\n".join(outcome.lines))
        agrees = agrees and outcome.agrees
    if not agrees:
        sys.exit(1)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder of the page.")
@click.option("--quick", is_flag=True, help="Verify digests and chain only.")
def leaderboard(folder: Path, output: Path, quick: bool) -> None:
    """Rank the bundles (*.zip) and result cards (*.md) in FOLDER on a static page.

    Each bundle is verified first."""
    from aurl.audit.bundle.leaderboard import read_board, write_board

    board = read_board(folder, quick)
    for name, reason in board.refused:
        click.echo(printable(f"left out: {name}: {reason}"))
    page = write_board(board, output)
    click.echo(f"{page}: {len(board.groups())} rankings of {board.bundles} bundles and {board.cards} cards")

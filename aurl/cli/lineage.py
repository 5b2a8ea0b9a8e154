"""Commands of the lineage: record, sync, audit, history."""

import sys
from pathlib import Path

import click

from aurl.cli.common import with_jobs
from aurl.cli.places import USER_PATH
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.stages import STAGES

DEEP = [stage.name for stage in STAGES.values() if stage.recompute == "deep"]


@click.command()
@click.option("--accept", is_flag=True, help="Record outputs that changed although nothing they depend on did.")
@with_jobs
def record(jobs: Jobs, accept: bool) -> None:
    """Record the finished experiment with DVC (writes dvc.lock; never runs git)."""
    from aurl.lineage.record import record_experiment

    for line in record_experiment(jobs, accept):
        click.echo(line)


@click.command()
@click.option("--pull/--no-pull", default=True, help="Fetch from the DVC remote first.")
@with_jobs
def sync(jobs: Jobs, pull: bool) -> None:
    """After a clone or checkout: bring the recorded results, and tell Snakemake that they are up to date."""
    from aurl.lineage.record import sync_experiment

    for line in sync_experiment(jobs.experiment.experiment, pull, bool(jobs.missing)):
        click.echo(line)


@click.command()
@click.argument("table", default="ablation")
@click.option("--cell", help="variant,dataset[,seed]: only what stands behind these cells.")
@click.option("--all", "everything", is_flag=True, help="Every artefact of the experiment.")
@click.option("--deep", is_flag=True, help=f"Also recompute {', '.join(DEEP)}.")
@click.option("--retrain", multiple=True, metavar="VARIANT", help="Also train this variant again and compare.")
@click.option("--no-cache", is_flag=True, help="Read every file again, whatever its time says.")
@click.option("--chain/--no-chain", default=None, help="Print the chain (default: with --cell).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", type=USER_PATH, help="Write a page.")
@with_jobs
def audit(
    jobs: Jobs, table: str, cell: str | None, everything: bool, deep: bool, retrain: tuple[str, ...], no_cache: bool,
    chain: bool | None, as_json: bool, html: Path | None,
) -> None:  # fmt: skip
    """Trace TABLE to the data, and verify every step; exit status 1 unless all agree.

    TABLE is the name of a table of the experiment, or metrics.
    """
    from aurl.audit import report as audit_report
    from aurl.audit.audit import Audit, select_jobs
    from aurl.system.digests import CACHE, Digests
    from aurl.system.git import git_state

    for variant in retrain:
        jobs.experiment.variant(variant)
    chosen = select_jobs(jobs, "all" if everything else table, cell)
    report = Audit(jobs.experiment, Digests(None if no_cache else CACHE), deep, retrain).run(chosen)
    if git_state().get("dirty", False):
        report.notes.append("git's working tree has uncommitted changes")
    click.echo(
        audit_report.as_json(report)
        if as_json
        else audit_report.as_text(report, bool(cell) if chain is None else chain)
    )
    if html is not None:
        from aurl.report.audit_page import subject_of, write_audit_page

        disagreements = [(str(finding), root) for finding, root in report.findings()]
        subject = subject_of(jobs, "all" if everything else table, cell)
        write_audit_page(html, jobs, report.jobs, disagreements, report.notes, subject)
        click.echo(f"the page: {html}", err=True)
    if report.findings():
        sys.exit(1)


@click.command()
@click.argument("cell")
@with_jobs
def history(jobs: Jobs, cell: str) -> None:
    """Show CELL (variant,seed,dataset[,clips[,splits[,metric]]]) over git's commits, with what changed behind it."""
    from aurl.lineage.history import history as history_of
    from aurl.lineage.history import parse_cell

    parsed = parse_cell(cell, jobs.experiment.experiment, jobs.experiment.external)
    values = []
    for entry in history_of(parsed):
        values.append(entry.value)
        value = "(not in the cache)" if entry.value is None else f"{entry.value:.6f}"
        click.echo(f"{entry.commit[:10]} {entry.date} {value}  {entry.subject}")
        for change in entry.changes:
            click.echo(f"    {change}")
    if len(values) > 1 and values[0] is not None and values[-1] is not None:
        click.echo(f"{parsed.metric}: {values[0]:.2f} at first, {values[-1]:.2f} now ({len(values)} commits)")

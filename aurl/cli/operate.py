"""Commands that look after a run: status, rerun, summary, compare, report."""

import os
import sys
from pathlib import Path

import click

from aurl.cli.common import with_jobs
from aurl.cli.places import user_place
from aurl.cli.stages import run_stage
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.stages import STAGES
from aurl.system.errors import AurlError


@click.command()
@click.option(
    "--watch", "seconds", type=click.FloatRange(0.1), is_flag=False, flag_value=2.0, metavar="[SECONDS]",
    help="Draw it again every so many seconds (2), until all is done or you press Ctrl-C.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_jobs
def status(jobs: Jobs, seconds: float | None, as_json: bool) -> None:
    """Show where the experiment stands: jobs done, running, waiting, failed; exit status 1 if a job failed."""
    import time

    from aurl.operate import status_report
    from aurl.operate.status import survey

    click.get_current_context().color = False if os.environ.get("NO_COLOR") else None
    if seconds is not None and as_json:
        raise AurlError("status: give --watch or --json, not both")
    if seconds is not None:
        overview = status_report.watch(lambda: survey(jobs), seconds, sys.stdout.isatty())
    else:
        overview = survey(jobs)
        now = time.time()
        click.echo(status_report.as_json(overview, now) if as_json else status_report.as_text(overview, now))
        if overview.state == "done" and not as_json:
            from aurl.operate.proposed import proposed_lines

            click.echo("\n".join(proposed_lines(jobs)))
    if overview.of("failed"):
        sys.exit(1)


@click.command()
@click.argument("stage")
@click.option("--variant")
@click.option("--seed", type=int)
@click.option("--dataset")
@click.option("--all", "everything", is_flag=True, help="Also list every artefact and number that changed.")
@with_jobs
def rerun(jobs: Jobs, stage: str, variant: str | None, seed: int | None, dataset: str | None, everything: bool) -> None:
    """Run STAGE again (for one variant, seed or dataset) with what follows, and show before and after."""
    from aurl.operate.rerun import choose
    from aurl.operate.rerun import rerun as rerun_jobs

    for line in rerun_jobs(jobs, choose(jobs, stage, variant=variant, seed=seed, dataset=dataset), everything):
        click.echo(line)


@click.command()
@click.option("--all", "everything", is_flag=True, help="The whole table, the files, and the time of each stage.")
@with_jobs
def summary(jobs: Jobs, everything: bool) -> None:
    """Print top-1 of every variant beside the paper's, and whether it agrees with the reference."""
    from aurl.report.summary import details, headline

    for line in details(jobs) if everything else headline(jobs):
        click.echo(line)


@click.command()
@click.argument("reference", required=False)
@click.option("--save", is_flag=True, help="Write the present run as the reference (into the folder REFERENCE).")
@with_jobs
def compare(jobs: Jobs, reference: str | None, save: bool) -> None:
    """Compare metrics.csv with REFERENCE; exit status 1 if they differ more than the seeds explain.

    REFERENCE is a folder, a metrics.csv, or a revision of git (default: docs/reference/<experiment>).
    """
    from aurl.report.verdict import compare_with, default_folder, lines_of

    reference = reference and user_place(reference)
    if save:
        from aurl.report.save_reference import save_reference

        for line in save_reference(jobs, Path(reference or default_folder(jobs.experiment.experiment))):
            click.echo(line)
        return
    here, there, agreement = compare_with(jobs, reference)
    for line in lines_of(jobs, here, there, agreement):
        click.echo(line)
    if not agreement.agrees:
        sys.exit(1)


@click.command()
@click.option("--audit", "audit_first", is_flag=True, help="Audit every artefact first, and show the verdict.")
@with_jobs
def report(jobs: Jobs, audit_first: bool) -> None:
    """Write results/<experiment>/report.html: tables, figures and how they were made, in one page."""
    if audit_first:
        from aurl.audit.audit import Audit
        from aurl.audit.report import as_text
        from aurl.report.facts import Verdict, write_verdict
        from aurl.system.digests import Digests

        result = Audit(jobs.experiment, Digests()).run([job for job in jobs.all() if job.stage.repeats])
        *_, summary = as_text(result, chain=False).splitlines()
        findings = [str(finding) for finding, is_root in result.findings() if is_root]
        write_verdict(jobs.paths.root, Verdict(not result.findings(), summary, findings), result.outputs())
    run_stage(jobs, STAGES["report"])

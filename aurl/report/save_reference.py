"""Write a reference from a finished run."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import yaml

from aurl.lineage.blocks import block_or_none, recorded_outputs
from aurl.pipeline.jobs import Jobs
from aurl.report.about import ABOUT
from aurl.report.runs import METRICS, present_run
from aurl.report.summary import measured_lines
from aurl.system.errors import AurlError
from aurl.system.files import copy_file, sha256_file, write_text

COPIED = {"ablation_md": "ablation.md", "ablation_png": "ablation.png"}  # for readers; nothing compares them
OF_METHODS = {"methods_csv": "methods.csv", "methods_png": "methods.png"}  # the same, where methods are fitted
SUMMARY = "summary.txt"  # what `aurl summary` prints, but for the verdict; README shows it
HEAD = "# How the metrics beside this file were made. Written by 'aurl compare --save'.\n"


def save_reference(jobs: Jobs, folder: Path) -> Iterator[str]:
    """Write the present run as a reference, and yield the paths of its files.

    Raises: AurlError if the run is not finished, or was made with other parameters than those of params.yaml.
    """
    run = present_run(jobs)
    check_finished(jobs)
    text = yaml.safe_dump(asdict(run.about), sort_keys=False, allow_unicode=True, width=120)
    copied = COPIED | (OF_METHODS if jobs.experiment.methods else {})
    for artefact, name in copied.items():
        copy_file(jobs.paths.of(artefact), folder / name)
    copy_file(jobs.paths.of("metrics_csv"), folder / METRICS)
    write_text(folder / ABOUT, HEAD + text)
    write_text(folder / SUMMARY, "\n".join(measured_lines(jobs)) + "\n")
    yield from (f"{folder / name}" for name in (METRICS, ABOUT, SUMMARY, *copied.values()))


def check_finished(jobs: Jobs) -> None:
    """Check that every job behind the metrics ran with the present parameters.

    Raises: AurlError if one did not, or if the metrics changed since.
    """
    metrics = jobs.paths.of("metrics_csv")
    for job in [*jobs.behind(jobs.of("collect")), jobs.of("tables"), jobs.of("figures")]:
        block = block_or_none(job.block)
        if block is None or dict(block.identity.settings) != dict(job.values):
            raise AurlError(
                f"{job.made[0]}: not made yet, or with other parameters than params.yaml's; run 'snakemake'"
            )
    if recorded_outputs(jobs.of("collect").block).get(metrics) != sha256_file(metrics):
        raise AurlError(f"{metrics}: changed since its job wrote it; run 'snakemake --force -- {metrics}'")

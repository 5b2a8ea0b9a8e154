"""Begin and end a run of Snakemake: what the Snakefile does around its rules."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aurl.experiment.read import load_experiment, parse_experiment
from aurl.experiment.snapshot import VARIABLE, snapshot
from aurl.lineage.following import missing_outputs, set_aside_foreign
from aurl.lineage.recorded import damaged_results
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.rules import Rules
from aurl.system.clock import reset_future_times
from aurl.system.errors import AurlError
from aurl.system.locks import check_run, forget_dead_run


def begin(params: Mapping[str, Any], main_process: bool, cores: int | None) -> Rules:
    """Check the experiment and freeze it, or in a job's own process take the frozen one.

    A job on a cluster may start on another machine, when params.yaml is no longer that of the run.

    Raises: AurlError for a wrong experiment, damaged results, or a job whose run has ended.
    """
    if not main_process:
        check_run()
        return Rules(Jobs(load_experiment(Path(os.environ[VARIABLE]))), cores)
    alone = forget_dead_run()
    experiment = parse_experiment(dict(params), "params.yaml")
    os.environ[VARIABLE] = str(snapshot(experiment))
    rules = Rules(Jobs(experiment), cores)
    if alone and (damaged := list(damaged_results(rules.jobs))):
        raise AurlError("\naurl: error: ".join(damaged))
    for line in set_aside_foreign(rules.jobs) if alone else ():
        print(f"aurl: {line}", file=sys.stderr)
    rules.missing = missing_outputs(rules.jobs)
    return rules


def replace_terminal(settings: Any, rules: Rules) -> None:
    """Let our lines take the place of Snakemake's on the terminal; its own messages are in its log.

    `--printshellcmds` (`-p`), `--verbose`, `--debug-dag` and `--quiet` leave Snakemake's terminal as it is.

    Args:
        settings: Snakemake's output settings.
    """
    if settings.quiet or settings.verbose or settings.printshellcmds or settings.debug_dag:
        return
    from aurl.operate.plan_lines import PlanLines
    from aurl.operate.run_lines import RunLines

    logger = logging.getLogger("snakemake.logging")
    for handler in [each for each in logger.handlers if each.name == "DefaultStreamHandler"]:
        logger.removeHandler(handler)
        logger.addHandler(PlanLines(rules.jobs, sys.stdout) if settings.dryrun else RunLines(rules.jobs, sys.stderr))


def before_first_job(rules: Rules) -> Iterator[str]:
    """Check that results are writable; reset future file times, a line for each.

    Raises: AurlError where results cannot be written (a read-only file system, another owner).
    """
    root = rules.jobs.paths.root
    if root.is_dir() and not os.access(root, os.W_OK):
        raise AurlError(f"{root}: not writable; finished results are untouched")
    yield from reset_future_times(rules.files())


def record_if_automatic(rules: Rules) -> None:
    """Record the finished run with DVC if the experiment says so.

    Not inside `dvc repro`, which records itself.
    """
    if rules.jobs.experiment.record == "automatic" and "DVC_STAGE" not in os.environ:
        subprocess.run(["aurl", "record"])  # it says itself why it refuses, after a part of the experiment, say

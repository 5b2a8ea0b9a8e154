"""The checked experiment, and what the rules take from the stages' declarations (aurl/pipeline/stages.py)."""

import os
import subprocess
import sys

from aurl.experiment.read import load_experiment, parse_experiment
from aurl.experiment.snapshot import snapshot
from aurl.lineage.recorded import damaged_results
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.rules import Rules
from aurl.system.clock import reset_future_times
from aurl.system.errors import AurlError
from aurl.system.locks import check_run, forget_dead_run

try:
    if workflow.is_main_process:
        alone = forget_dead_run()
        EXPERIMENT = parse_experiment(config, "params.yaml")
        os.environ["AURL_PARAMS"] = str(snapshot(EXPERIMENT))
    else:  # a job on a cluster: it may start on another machine, when params.yaml is no longer that of the run
        check_run()
        EXPERIMENT = load_experiment(Path(os.environ["AURL_PARAMS"]))
    PARAMS = os.environ["AURL_PARAMS"]
    RULES = Rules(Jobs(EXPERIMENT), workflow.cores)
    if workflow.is_main_process and alone and (damaged := list(damaged_results(RULES.jobs))):
        raise AurlError("\naurl: error: ".join(damaged))
except AurlError as error:
    sys.exit(f"aurl: error: {error}")  # the one line; Snakemake would drop an exception's text here


envvars:
    "AURL_PARAMS",  # Snakemake hands it to every job


def kept(path, caption=None):
    """An output that stays in place until the job that replaces it has succeeded."""
    if caption is not None:
        category = caption.stem
        path = report(path, caption=str(caption), category=f"{category.capitalize()}s", labels={category: Path(path).stem})
    return update(path)


reads, settings, log_of, threads, gpus = RULES.reads, RULES.settings, RULES.log, RULES.threads, RULES.gpus


def makes(stage):
    """The outputs of a stage and its provenance block, by name."""
    folders, captions = RULES.folders(stage), RULES.captions(stage)
    return {
        name: kept(directory(path) if name in folders else path, captions.get(name))
        for name, path in RULES.makes(stage).items()
    }


wildcard_constraints:
    **RULES.constraints(),


def check_writable(folder):
    """End the run before its first job where results cannot be written (a read-only file system, another owner)."""
    if folder.is_dir() and not os.access(folder, os.W_OK):
        sys.exit(f"aurl: error: {folder}: not writable; finished results are untouched")


def record_if_automatic():
    """Record the finished run with DVC where the experiment says so; not inside `dvc repro`, which records itself."""
    if EXPERIMENT.record == "automatic" and "DVC_STAGE" not in os.environ:
        subprocess.run(["aurl", "record"])  # says itself why it refuses (a part of the experiment was run, say)

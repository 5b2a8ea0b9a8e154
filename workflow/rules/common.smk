"""The checked experiment, the names of its files, and what each stage depends on."""

import os
import subprocess
import sys

from snakemake.io import AnnotatedString

from aurl.config import parse_experiment
from aurl.errors import AurlError
from aurl.lineage.jobs import Jobs
from aurl.lineage.locks import forget_dead_run
from aurl.lineage.snapshot import snapshot
from aurl.lineage.stages import stage_code, stage_settings
from aurl.paths import ResultPaths, snakemake_path, source_folder

forget_dead_run()
try:
    EXPERIMENT = parse_experiment(config, "params.yaml")
    PARAMS = snapshot(EXPERIMENT)
except AurlError as error:
    sys.exit(f"aurl: error: {error}")  # the one line; Snakemake would drop an exception's text here

P = ResultPaths(EXPERIMENT.experiment)
JOBS = Jobs(EXPERIMENT, P)


wildcard_constraints:
    dataset="|".join(EXPERIMENT.datasets),
    variant="|".join(EXPERIMENT.variants),
    seed=r"\d+",
    shard=r"\d+",


def settings(stage):
    """The stage's slice of the parameters, as a params function: a change of anything else reruns nothing."""
    return lambda wildcards: stage_settings(stage, EXPERIMENT, **wildcards)


def block(artefact):
    """The provenance block beside an artefact."""
    return P.provenance(artefact)


def kept(path):
    """An output that stays in place until the job that replaces it has succeeded."""
    return update(path if isinstance(path, AnnotatedString) else str(path))


def record_if_automatic():
    """Record the finished run with DVC where the experiment says so; not inside `dvc repro`, which records itself."""
    if EXPERIMENT.record == "automatic" and "DVC_STAGE" not in os.environ:
        subprocess.run(["aurl", "record"])  # says itself why it refuses (a part of the experiment was run, say)

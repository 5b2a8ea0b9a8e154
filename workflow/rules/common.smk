"""The checked experiment, the names of its files, and what each stage depends on."""

import os
import subprocess
import sys

from snakemake.cli import get_argument_parser
from snakemake.io import AnnotatedString

from aurl.experiment.read import load_experiment, parse_experiment
from aurl.system.errors import AurlError
from aurl.operate.intact import mend_before_run
from aurl.pipeline.jobs import Jobs
from aurl.system.locks import check_run, forget_dead_run
from aurl.experiment.snapshot import snapshot
from aurl.pipeline.stages import stage_code, stage_settings
from aurl.experiment.folders import snakemake_path, source_folder
from aurl.experiment.parts import encoder_files
from aurl.pipeline.paths import ResultPaths

try:
    if workflow.is_main_process:
        ALONE = forget_dead_run()
        EXPERIMENT = parse_experiment(config, "params.yaml")
        os.environ["AURL_PARAMS"] = str(snapshot(EXPERIMENT))
    else:  # a job on a cluster: it may start on another machine, when params.yaml is no longer that of the run
        ALONE = False
        check_run()
        EXPERIMENT = load_experiment(Path(os.environ["AURL_PARAMS"]))
    PARAMS = os.environ["AURL_PARAMS"]
except AurlError as error:
    sys.exit(f"aurl: error: {error}")  # the one line; Snakemake would drop an exception's text here


envvars:
    "AURL_PARAMS",  # Snakemake hands it to every job


P = ResultPaths(EXPERIMENT.experiment)
JOBS = Jobs(EXPERIMENT, P)


GIVEN = vars(get_argument_parser().parse_known_args(sys.argv[1:])[0])
ONLY_SHOWN = "dryrun lint list_rules list_target_rules dag rulegraph filegraph d3dag summary detailed_summary report".split()
NO_RUN = "touch unlock print_compilation list_changes list_untracked cleanup_metadata delete_all_output".split()


def asked_for(options):
    """Whether one of these options stands on Snakemake's command line."""
    return any(GIVEN.get(option) for option in options)


def make_again(paths):
    """Run the jobs of outputs that are marked, and only those, before this run begins."""
    options = ["--cores", str(workflow.cores), "--nolock", "--quiet", "progress", "rules", "host"]
    for name in ("profile", "workflow_profile", "config"):
        values = GIVEN.get(name) or []
        options += [f"--{name.replace('_', '-')}", *map(str, values if isinstance(values, list) else [values])] if values else []
    return subprocess.run(["snakemake", *options, "--", *map(str, paths)]).returncode == 0


if ALONE and not asked_for(NO_RUN):
    for line in mend_before_run(JOBS, act=not asked_for(ONLY_SHOWN), again=make_again):
        print(f"aurl: {line}", file=sys.stderr)


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

"""The checked experiment, and what the rules take from the stages' declarations (aurl/pipeline/stages.py)."""

import os
import sys

from aurl.experiment.snapshot import VARIABLE
from aurl.operate.start_server import start_server
from aurl.operate.workflow import before_first_job, begin, record_if_automatic, replace_terminal
from aurl.system.errors import AurlError


def or_exit(function, *arguments):
    """Call a function; an error of ours ends Snakemake with its one line, which Snakemake itself would drop."""
    try:
        return function(*arguments)
    except AurlError as error:
        sys.exit(f"aurl: error: {error}")


RULES = or_exit(begin, config, workflow.is_main_process, workflow.cores)
PARAMS = os.environ[VARIABLE]
if workflow.is_main_process:
    replace_terminal(workflow.output_settings, RULES)
reads, settings, log_of, threads, gpus = RULES.reads, RULES.settings, RULES.log, RULES.threads, RULES.gpus


envvars:
    VARIABLE,


wildcard_constraints:
    **RULES.constraints(),


def makes(stage):
    """The outputs of a stage and its provenance block, which stay in place until their replacement is complete."""
    return {name: update(flagged(stage, name, path)) for name, path in RULES.makes(stage).items()}


def flagged(stage, name, path):
    """An output as a folder, or with its caption for Snakemake's own report."""
    caption = RULES.caption(stage, name)
    if caption:
        return report(path, caption=f"../report/{caption}.rst", category=f"{caption.capitalize()}s", labels={caption: Path(path).stem})
    return directory(path) if name in RULES.folders(stage) else path

"""AURL, end to end: from video files to the paper's tables. The experiment is params.yaml."""

from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.0")


configfile: "params.yaml"


report: "workflow/report/workflow.rst"  # the first page of `snakemake --report`


include: "workflow/rules/common.smk"  # the checked experiment, and what the rules take from aurl/pipeline/stages.py
include: "workflow/rules/data.smk"  # videos -> listing -> manifest -> packed frames
include: "workflow/rules/semantics.smk"  # class names -> class embeddings -> seen classes
include: "workflow/rules/training.smk"  # one checkpoint for each variant and seed
include: "workflow/rules/methods.smk"  # stored features -> fitted methods -> scores and metrics
include: "workflow/rules/evaluation.smk"  # features -> metrics -> metrics.csv; statistics
include: "workflow/rules/report.smk"  # tables, figures and the page


rule all:
    default_target: True
    input: RULES.wanted()


onstart:
    for line in or_exit(list, before_first_job(RULES)):
        logger.warning(f"aurl: {line}")
    if workflow.local_exec:
        start_server(job.rule.name for job in workflow.dag.needrun_jobs())


onsuccess:
    record_if_automatic(RULES)

"""Do the work of a job."""

import gc
import importlib
from typing import Any

from aurl.experiment.read import typed_value
from aurl.experiment.settings import Experiment
from aurl.pipeline.jobs import Job
from aurl.pipeline.stage import Stage


def run_job(job: Job) -> None:
    """Do the work of a job. Raises: AurlError for bad input, OSError where results cannot be written."""
    importlib.import_module(job.stage.entry).run(job)


def load_stage(stage: Stage) -> Any:
    """Import a stage's entry module without the garbage collector, which then ignores what was imported.

    The collector walks over the hundreds of thousands of objects of torch while it is imported, and when the process
    ends: 0.7 of 2.1 s of a process that imports torch (docs/performance.md).
    """
    gc.disable()
    try:
        return importlib.import_module(stage.entry)
    finally:
        gc.enable()
        gc.freeze()


def device_of(job: Job, experiment: Experiment) -> str:
    """Name the kind of device that a job computes on: `cpu` or `cuda`."""
    if job.stage.compute is None:
        return "cpu"
    from aurl.system.compute import prepare_device

    compute = typed_value(experiment, job.stage.compute)
    return prepare_device(compute.device, compute.threads).type


def seeds_of(job: Job) -> dict[str, int]:
    """List the seeds that a job draws from, by axis."""
    if job.stage.seeds is None:
        return {}
    return dict(importlib.import_module(job.stage.seeds).axis_seeds(job.wildcards["seed"]))

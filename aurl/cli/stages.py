"""Derive one command for each stage from its declaration."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import click

from aurl.cli.common import with_jobs
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.selections import SELECTIONS
from aurl.pipeline.stage import Stage
from aurl.pipeline.stages import STAGES
from aurl.system.errors import AurlError

WILDCARDS: dict[str, Any] = {
    "dataset": click.Argument(["dataset"]),
    "variant": click.Option(["--variant"], required=True, help="A variant, or a row of a method, of params.yaml."),
    "network": click.Option(["--network"], required=True, help="One of backbone_features.networks in params.yaml."),
    "seed": click.Option(["--seed"], type=int, required=True, help="A seed of params.yaml."),
    "row": click.Option(["--row"], required=True, help="A row of params.yaml's external."),
    "held_out": click.Argument(["held_out"]),
    "shard": click.Option(
        ["--shard"], type=click.IntRange(0), default=0, show_default=True, help="Number of the shard, from 0."
    ),
}
WORKERS = click.Option(["--workers"], type=click.IntRange(1), default=1, show_default=True, help="Processes.")


def stage_commands() -> Iterator[click.Command]:
    """Make the command of each stage, and `render`, the earlier name of a part of `ingest`."""
    for stage in STAGES.values():
        yield click.Command(stage.command, callback=_callback(stage), params=_params(stage), help=stage.help)
    yield click.Command("render", callback=_render, params=[WILDCARDS["dataset"], WORKERS], hidden=True)


def run_stage(jobs: Jobs, stage: Stage, workers: int = 1, **wildcards: Any) -> None:
    """Run one job of a stage; a job of several processes first becomes torchrun, which starts them."""
    job = jobs.of(stage.name, **wildcards)
    if stage.processes is not None:
        _start_processes(jobs)
    from aurl.lineage.recorded import run_recorded

    run_recorded(jobs, job, workers)


def _callback(stage: Stage) -> Any:
    @with_jobs
    def callback(jobs: Jobs, **arguments: Any) -> None:
        run_stage(jobs, stage, **arguments)

    return callback


def _params(stage: Stage) -> list[click.Parameter]:
    wildcards = [WILDCARDS[name] for name in SELECTIONS[stage.jobs].matrix]
    return [*wildcards, *([WORKERS] if stage.all_cores else [])]


def _render(dataset: str, workers: int) -> None:
    raise AurlError(f"'aurl render' is now 'aurl ingest': run 'aurl ingest {dataset} --workers {workers}'")


def _start_processes(jobs: Jobs) -> None:
    """Become torchrun where `training.processes` is above 1, unless torchrun started this process.

    In a Slurm job torchrun starts the processes on all of its nodes.
    """
    from aurl.system.processes import end_with_parent
    from aurl.training.distributed import launch

    training = jobs.experiment.training
    if "WORLD_SIZE" in os.environ:
        end_with_parent()
    elif training.processes > 1:
        launch(training.processes, training.compute.threads + training.compute.workers, sys.argv[1:])

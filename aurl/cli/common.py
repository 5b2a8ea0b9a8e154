"""Share what commands need: the experiment of `--params`, and its jobs."""

import functools
from collections.abc import Callable
from typing import Any

import click

from aurl.experiment.read import load_experiment
from aurl.pipeline.jobs import Jobs


def with_jobs(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the jobs of the experiment of `--params`."""

    @click.pass_context
    @functools.wraps(command)
    def wrapped(context: click.Context, /, **arguments: Any) -> None:
        command(Jobs(load_experiment(context.obj)), **arguments)

    return wrapped

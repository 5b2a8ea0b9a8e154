"""Provenance blocks: what an artefact was made from, written beside it by the stage that made it.

The *identity* part (digests of inputs taken before the run, parameters, code, versions, seeds, device)
is what later blocks and audits compare. The *circumstance* part (time, host, commit) is only shown.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aurl.pipeline.jobs import Job
from aurl.pipeline.stages import PACKAGE, stage_code, stage_packages
from aurl.system.files import digest, sha256_file, write_json
from aurl.system.locks import exclusive

PROCESS_STARTED = time.time()
DISTRIBUTIONS = {"yaml": "pyyaml"}


@dataclass(frozen=True)
class Identity:
    """Everything that decides a stage's results."""

    stage: str
    wildcards: dict[str, Any]
    inputs: dict[str, str]
    settings: dict[str, Any]
    code: dict[str, str]
    packages: dict[str, str]
    seeds: dict[str, int]
    device: str

    def digest(self) -> str:
        """Hex SHA-256 of the whole identity."""
        return hashlib.sha256(json.dumps(vars(self), sort_keys=True).encode()).hexdigest()


def identity_of(job: Job, settings: dict[str, Any], seeds: dict[str, int], device: str) -> Identity:
    """What decides the results of a job that is about to run."""
    return Identity(
        job.stage,
        job.wildcards,
        {path.as_posix(): digest(path) for path in job.inputs},
        settings,
        code_digests(job.stage),
        package_versions(stage_packages(job.stage)),
        seeds,
        device,
    )


@contextmanager
def recorded(identity: Identity, job: Job, block: Path) -> Iterator[None]:
    """Do a job's work inside this block; its provenance is written when, and only when, it succeeds."""
    with exclusive(block):
        yield
        made = {path.as_posix(): digest(path) for path in job.outputs}
        write_json(block, {"identity": vars(identity), "outputs": made, "circumstance": circumstance()})


def code_digests(stage: str) -> dict[str, str]:
    """Code file -> SHA-256, for every file of a stage's code."""
    return {path: sha256_file(PACKAGE.parent / path) for path in stage_code(stage)}


def package_versions(modules: Iterable[str]) -> dict[str, str]:
    """Version of Python and of the distribution of each imported third-party module."""
    names = sorted(DISTRIBUTIONS.get(module, module) for module in modules)
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}


def circumstance() -> dict[str, Any]:
    """When, where and at what cost this process ran."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "started": datetime.fromtimestamp(PROCESS_STARTED, UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - PROCESS_STARTED, 3),
        "cpu_seconds": round(sum(used.ru_utime + used.ru_stime for used in usage), 3),
        "peak_memory_bytes": max(used.ru_maxrss for used in usage) * 1024,
        "host": platform.node(),
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        **git_state(),
    }


def git_state() -> dict[str, Any]:
    """The commit that is checked out and whether tracked files differ from it; empty outside a repository."""
    try:
        commit = _git("rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.CalledProcessError):
        return {}


def _git(*arguments: str) -> str:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()

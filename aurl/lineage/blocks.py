"""Read and write provenance blocks.

A block is below `provenance/`, under the path of the artefact that it describes. Its *identity* (digests of the inputs
taken before the run, parameters, code, versions, seeds, device) is what later blocks and audits compare. Its
*circumstance* (time, host, commit) is only shown.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aurl.experiment.snapshot import VARIABLE
from aurl.lineage.machine import cpu_model
from aurl.pipeline.code import REPOSITORY
from aurl.pipeline.jobs import Job
from aurl.system.errors import AurlError
from aurl.system.files import digest, sha256_file
from aurl.system.git import git_state
from aurl.system.json_files import write_json
from aurl.system.text_files import rerun_hint, unreadable

PROCESS_STARTED = time.time()  # in a job of the job server the start of its command
FORKED = False  # True there: its imports took no time, and its memory holds modules that all jobs share
DISTRIBUTIONS = {"yaml": "pyyaml"}


@dataclass(frozen=True)
class Identity:
    """Hold everything that decides a job's results."""

    stage: str
    wildcards: dict[str, Any]
    inputs: dict[str, str]
    settings: dict[str, Any]
    code: dict[str, str]
    packages: dict[str, str]
    seeds: dict[str, int]
    device: str

    def digest(self) -> str:
        """Return the hex SHA-256 of the whole identity."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Block:
    """Hold one provenance block: identity, SHA-256 of each output, and the circumstance of the run."""

    identity: Identity
    outputs: dict[str, str]
    circumstance: dict[str, Any]

    @property
    def stage(self) -> str:
        """Name the stage that wrote the outputs."""
        return self.identity.stage

    @property
    def name(self) -> str:
        """Name the stage with the values of its wildcards: "train aurl 0"."""
        return " ".join([self.stage, *map(str, self.identity.wildcards.values())])

    @property
    def seconds(self) -> float:
        """Return the wall time of the job."""
        return float(self.circumstance["seconds"])


def read_block(path: Path) -> Block:
    """Read a block. Raises: AurlError if it is missing or damaged."""
    try:
        raw = json.loads(path.read_text())
        block = Block(Identity(**raw["identity"]), raw["outputs"], raw["circumstance"])
        mappings = (block.outputs, block.identity.inputs, block.identity.settings, block.identity.code)
        if not all(isinstance(each, dict) for each in (*mappings, block.identity.wildcards)):
            raise ValueError("a part of it is no mapping")
        float(block.circumstance["seconds"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unreadable(path, error, rerun_hint(path)) from None
    return block


def block_or_none(path: Path) -> Block | None:
    """Read a block, or return None where it is missing or damaged."""
    try:
        return read_block(path)
    except AurlError:
        return None


def blocks_by_output(jobs: Iterable[Job]) -> dict[Path, Block | None]:
    """Map each output to the block of its job, or to None.

    Each block is read once. None stands for one that is missing or damaged.
    """
    return {path: block for job in jobs for block in [block_or_none(job.block)] for path in job.made}


def recorded_outputs(path: Path) -> dict[Path, str]:
    """Map each output that a block records to its SHA-256; empty where the block is missing or damaged."""
    block = block_or_none(path)
    return {} if block is None else {Path(name): str(sha256) for name, sha256 in block.outputs.items()}


def differing_keys(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """List the keys whose values differ between two mappings, sorted."""
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def ancestors_of(targets: Iterable[str], blocks: Iterable[Block]) -> list[Block]:
    """List the blocks of `targets` and of everything that they were made from, the targets' own first."""
    maker = {path: block for block in blocks for path in block.outputs}
    waiting, reached = deque(targets), {}
    while waiting:
        block = maker.get(waiting.popleft())
        if block is not None and block.name not in reached:
            reached[block.name] = block
            waiting.extend(block.identity.inputs)
    return list(reached.values())


def identity_of(job: Job, seeds: dict[str, int], device: str) -> Identity:
    """Take the identity of a job that is about to run."""
    return Identity(
        job.stage.name,
        job.wildcards,
        {path.as_posix(): digest(path) for path in job.depends},
        dict(job.values),
        code_digests(job.code),
        package_versions(job.packages),
        seeds,
        device,
    )


def write_block(path: Path, identity: Identity, outputs: Iterable[Path]) -> None:
    """Write the block of a job that has succeeded."""
    digests = {output.as_posix(): digest(output) for output in outputs}
    write_json(path, {"identity": asdict(identity), "outputs": digests, "circumstance": circumstance()})


def code_digests(files: Iterable[str]) -> dict[str, str]:
    """Map each code file to its SHA-256; a part from outside lies below the working folder."""
    places = {path: REPOSITORY / path if (REPOSITORY / path).is_file() else Path(path) for path in files}
    return {path: sha256_file(file) for path, file in places.items()}


def digests_by_code(jobs: Iterable[Job]) -> dict[tuple[str, ...], dict[str, str]]:
    """Map the code of jobs to its digests; code that jobs share is read once."""
    return {code: code_digests(code) for code in {job.code for job in jobs}}


def package_versions(modules: Iterable[str]) -> dict[str, str]:
    """Map Python and the distribution of each third-party module to its version."""
    versions = {"python": platform.python_version()}
    for name in sorted(DISTRIBUTIONS.get(module, module) for module in modules):
        with suppress(importlib.metadata.PackageNotFoundError):  # a module beside a part from outside
            versions[name] = importlib.metadata.version(name)
    return versions


def circumstance() -> dict[str, Any]:
    """Describe when, where and at what cost this process ran."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "started": datetime.fromtimestamp(PROCESS_STARTED, UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - PROCESS_STARTED, 3),
        "cpu_seconds": round(sum(used.ru_utime + used.ru_stime for used in usage), 3),
        "peak_memory_bytes": max(used.ru_maxrss for used in usage) * 1024,
        "forked": FORKED,
        "run_by": "snakemake" if VARIABLE in os.environ else "hand",
        "host": platform.node(),
        "machine": platform.platform(),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        **git_state(),
    }

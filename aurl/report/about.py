"""Describe how a run was made: experiment, commit, date, machine and parameters."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from aurl.experiment.changes import flatten
from aurl.experiment.read import read_yaml
from aurl.lineage.blocks import Block, block_or_none
from aurl.pipeline.jobs import WIRING, Jobs
from aurl.system.text_files import unreadable

ABOUT = "reference.yaml"  # in the folder of a reference
NO_RESULT = re.compile(  # parameters of speed and place; they decide no number but its rounding
    r"\.(device|threads|workers|channels_last|compile|resume_every|shards)$|^evaluation\.batch_size$"
)


@dataclass(frozen=True)
class Machine:
    """The machine that trained. `torch` is the version, `device` such as "cpu"."""

    cpu: str
    cores: int
    torch: str
    threads: int
    device: str

    def __str__(self) -> str:
        """Write it in one line."""
        device = "" if self.device == "cpu" else f", {self.device}"
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{self.cpu}, {self.cores} cores{device}; torch {self.torch}, {threads}"


@dataclass(frozen=True)
class About:
    """Hold how a run was made, as `reference.yaml` does.

    What is not known is None or empty.

    Attributes:
        commit: of the code that collected the metrics; changed: tracked files differed from it.
        date: of the same job, such as "2026-01-31".
        parameters: dotted key -> value of everything that shapes the metrics.
    """

    experiment: str | None = None
    commit: str = ""
    changed: bool = False
    date: str = ""
    machine: Machine | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


def present_about(jobs: Jobs) -> About:
    """Describe the present experiment by params.yaml and the blocks that exist."""
    blocks = [block_or_none(job.block) for job in jobs.all() if job.stage.name == "train"]
    collected = block_or_none(jobs.of("collect").block)
    return about_blocks(jobs.experiment.experiment, collected, blocks, shaping_parameters(jobs))


def shaping_parameters(jobs: Jobs) -> dict[str, Any]:
    """Map dotted keys to the values of all parameters that shape the metrics."""
    behind = jobs.behind(jobs.of("collect"))
    slices = [flatten(value, name) for job in behind for name, value in job.values.items() if name != WIRING]
    values = {key: value for each in slices for key, value in each.items()}
    return {key: values[key] for key in sorted(values) if not NO_RESULT.search(key)}


def about_blocks(experiment: str | None, collected: Block | None, trained: Iterable[Block | None],
                 parameters: dict[str, Any]) -> About:  # fmt: skip
    """Describe a run by the block of its metrics and those of its trainings."""
    circumstance = collected.circumstance if collected else {}
    return About(
        experiment,
        str(circumstance.get("commit", "")),
        bool(circumstance.get("dirty", False)),
        str(circumstance.get("started", ""))[:10],
        machine_of(block for block in trained if block is not None),
        parameters,
    )


def machine_of(trained: Iterable[Block]) -> Machine | None:
    """Describe the machine that trained most networks; None without a block."""
    machines = [
        Machine(
            str(block.circumstance.get("cpu", "unknown CPU")),
            int(block.circumstance.get("cores") or 0),
            str(block.identity.packages.get("torch", "unknown")),
            int(block.identity.settings["training"]["compute"]["threads"]),
            str(block.identity.device),
        )
        for block in trained
    ]
    return max(machines, key=machines.count, default=None)


def read_about(path: Path) -> About:
    """Read a reference.yaml. Raises: AurlError for a damaged one."""
    mend = "restore it from git, or write it with 'aurl compare --save'"
    try:
        return TypeAdapter(About).validate_python(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise unreadable(path, ValueError(f"{key}: {first['msg']}" if key else first["msg"]), mend) from None
    except OSError as error:
        raise unreadable(path, error, mend) from None


def about_results(folder: Path) -> About:
    """Describe a folder of results by its provenance blocks, as far as it has any."""
    collected = block_or_none(folder / "provenance" / "metrics.csv.json")
    trained = (folder / "provenance/checkpoints").rglob("*.json")
    metrics = next(iter(collected.outputs), "") if collected else ""  # such as results/mini/metrics.csv
    return about_blocks(Path(metrics).parent.name or None, collected, map(block_or_none, sorted(trained)), {})

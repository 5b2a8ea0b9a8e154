"""Provenance blocks as the report reads them: what stands behind an artefact, costs, versions."""

import json
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aurl.system.text_files import made_again, unreadable

WILDCARDS = ("variant", "seed", "dataset", "shard")


@dataclass(frozen=True)
class Block:
    """One provenance block: what decided an artefact, the SHA-256 of what was made, and at what cost."""

    identity: dict[str, Any]
    outputs: dict[str, str]
    circumstance: dict[str, Any]

    @property
    def stage(self) -> str:
        """The stage that made the artefact."""
        return str(self.identity["stage"])

    @property
    def name(self) -> str:
        """The stage with its wildcards: "train aurl 0"."""
        wildcards = self.identity["wildcards"]
        return " ".join([self.stage, *(str(wildcards[name]) for name in WILDCARDS if name in wildcards)])


@dataclass(frozen=True)
class StageCost:
    """All jobs of a stage: wall and CPU time in s (summed), memory in bytes (the greatest), devices, first start."""

    stage: str
    jobs: int
    seconds: float
    cpu_seconds: float
    peak_memory: int
    devices: tuple[str, ...]
    started: str


def read_blocks(paths: Iterable[Path]) -> list[Block]:
    """Read blocks. Raises: AurlError for a damaged one."""
    blocks = []
    for path in paths:
        try:
            raw = json.loads(path.read_text())
            blocks.append(Block(raw["identity"], raw["outputs"], raw["circumstance"]))
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(path, error, made_again(path)) from None
    return blocks


def behind(targets: Iterable[str], blocks: list[Block]) -> list[Block]:
    """The blocks of `targets` and of everything that they were made from, the targets' own first."""
    maker = {path: block for block in blocks for path in block.outputs}
    todo, found = deque(targets), {}
    while todo:
        block = maker.get(todo.popleft())
        if block is not None and block.name not in found:
            found[block.name] = block
            todo.extend(block.identity["inputs"])
    return list(found.values())


def stage_costs(blocks: list[Block]) -> list[StageCost]:
    """The cost of each stage, in the order in which they began."""
    stages: dict[str, list[Block]] = defaultdict(list)
    for block in blocks:
        stages[block.stage].append(block)
    costs = [
        StageCost(
            stage,
            len(jobs),
            sum(float(job.circumstance["seconds"]) for job in jobs),
            sum(float(job.circumstance["cpu_seconds"]) for job in jobs),
            max(int(job.circumstance["peak_memory_bytes"]) for job in jobs),
            tuple(sorted({str(job.identity["device"]) for job in jobs})),
            min(str(job.circumstance["started"]) for job in jobs),
        )
        for stage, jobs in stages.items()
    ]
    return sorted(costs, key=lambda cost: cost.started)


def versions(blocks: list[Block]) -> dict[str, dict[str, list[str]]]:
    """Package -> version -> the stages that ran with it."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for block in blocks:
        for package, version in block.identity["packages"].items():
            found[package][version].add(block.stage)
    return {
        package: {version: sorted(stages) for version, stages in sorted(found[package].items())}
        for package in sorted(found)
    }


def commits(blocks: list[Block]) -> dict[tuple[str, bool], int]:
    """(commit, whether tracked files differed from it) -> how many jobs ran at it; ("", False) outside of git."""
    found: dict[tuple[str, bool], int] = defaultdict(int)
    for block in blocks:
        found[block.circumstance.get("commit", ""), bool(block.circumstance.get("dirty", False))] += 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))

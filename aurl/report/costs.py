"""Sum up the costs, versions and commits of an experiment's jobs."""

from collections import defaultdict
from dataclasses import dataclass

from aurl.lineage.blocks import Block


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


def stage_costs(blocks: list[Block]) -> list[StageCost]:
    """Sum up the cost of each stage, in the order in which they began."""
    stages: dict[str, list[Block]] = defaultdict(list)
    for block in blocks:
        stages[block.stage].append(block)
    costs = [
        StageCost(
            stage,
            len(jobs),
            sum(job.seconds for job in jobs),
            sum(float(job.circumstance["cpu_seconds"]) for job in jobs),
            max(int(job.circumstance["peak_memory_bytes"]) for job in jobs),
            tuple(sorted({str(job.identity.device) for job in jobs})),
            min(str(job.circumstance["started"]) for job in jobs),
        )
        for stage, jobs in stages.items()
    ]
    return sorted(costs, key=lambda cost: cost.started)


def versions(blocks: list[Block]) -> dict[str, dict[str, list[str]]]:
    """Map each package to its versions, and each version to the stages that ran with it."""
    stages: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for block in blocks:
        for package, version in block.identity.packages.items():
            stages[package][version].add(block.stage)
    return {
        package: {version: sorted(names) for version, names in sorted(stages[package].items())}
        for package in sorted(stages)
    }


def commits(blocks: list[Block]) -> dict[tuple[str, bool], int]:
    """Count the jobs at each (commit, whether tracked files differed from it); ("", False) outside of git."""
    counts: dict[tuple[str, bool], int] = defaultdict(int)
    for block in blocks:
        counts[block.circumstance.get("commit", ""), bool(block.circumstance.get("dirty", False))] += 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))

"""What `make reproduce` ends with: the table, where the files lie, and the time that each stage took."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from aurl.errors import AurlError
from aurl.paths import ResultPaths


@dataclass(frozen=True)
class StageCost:
    """Jobs of a stage, their summed wall and CPU time, the greatest memory of one, and the devices they ran on."""

    stage: str
    jobs: int
    seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    devices: list[str]


def summarise(paths: ResultPaths) -> str:
    """The ablation table, the files and the stages' times of a finished experiment, as text.

    Raises: AurlError if the experiment has no table yet.
    """
    table = paths.table("ablation", "md")
    if not table.is_file():
        raise AurlError(f"{table}: not made yet; run 'snakemake'")
    files = [
        paths.table("ablation", "html"),
        paths.table("sota", "md"),
        paths.metrics_csv(),
        paths.figure("ablation", "png"),
    ]
    listed = "\n".join(f"  {path}" for path in files if path.is_file())
    times = stage_times(paths.root / "provenance")
    return f"{table.read_text()}\nAlso:\n{listed}\n\nStages (from their provenance blocks):\n{times}"


def stage_times(blocks: Path) -> str:
    """`stage_costs` as a Markdown table."""
    rows = [
        {
            "stage": cost.stage,
            "jobs": cost.jobs,
            "wall time": f"{cost.seconds:.1f} s",
            "CPU time": f"{cost.cpu_seconds:.1f} s",
            "peak memory": f"{cost.peak_memory_bytes / 2**20:.0f} MiB",
        }
        for cost in stage_costs(blocks)
    ]
    return str(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))


def stage_costs(blocks: Path) -> list[StageCost]:
    """What each stage took, from its provenance blocks, in the order in which the stages began."""
    stages: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in blocks.rglob("*.json"):
        block = json.loads(path.read_text())
        stages[block["identity"]["stage"]].append({**block["circumstance"], "device": block["identity"]["device"]})
    return [
        StageCost(
            stage, len(jobs), sum(job["seconds"] for job in jobs), sum(job["cpu_seconds"] for job in jobs),
            max(job["peak_memory_bytes"] for job in jobs), sorted({job["device"] for job in jobs}),
        )
        for stage, jobs in sorted(stages.items(), key=lambda item: min(job["started"] for job in item[1]))
    ]  # fmt: skip

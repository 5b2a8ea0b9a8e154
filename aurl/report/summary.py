"""What `make reproduce` ends with: the table, where the files lie, and the time that each stage took."""

import json
from collections import defaultdict
from pathlib import Path

import pandas as pd

from aurl.errors import AurlError
from aurl.paths import ResultPaths


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
    """Jobs, summed wall time, CPU time and greatest memory of each stage, in the order in which they began."""
    stages: dict[str, list[dict[str, float | str]]] = defaultdict(list)
    for path in blocks.rglob("*.json"):
        block = json.loads(path.read_text())
        stages[block["identity"]["stage"]].append(block["circumstance"])
    rows = [
        {
            "stage": stage,
            "jobs": len(jobs),
            "wall time": f"{sum(float(job['seconds']) for job in jobs):.1f} s",
            "CPU time": f"{sum(float(job['cpu_seconds']) for job in jobs):.1f} s",
            "peak memory": f"{max(float(job['peak_memory_bytes']) for job in jobs) / 2**20:.0f} MiB",
        }
        for stage, jobs in sorted(stages.items(), key=lambda item: min(str(job["started"]) for job in item[1]))
    ]
    return str(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))

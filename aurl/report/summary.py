"""Summarise a finished experiment: the ablation table, the paths of its files, and each stage's time."""

from pathlib import Path

import pandas as pd

from aurl.lineage.blocks import read_block
from aurl.pipeline.paths import ResultPaths
from aurl.report.costs import stage_costs
from aurl.system.errors import AurlError


def summarise(paths: ResultPaths) -> str:
    """Write the ablation table, the files and the stages' times as text.

    Raises: AurlError if the experiment has no table yet.
    """
    table = paths.of("ablation_md")
    if not table.is_file():
        raise AurlError(f"{table}: not written yet; run 'snakemake'")
    files = map(paths.of, ("report", "ablation_html", "sota_md", "metrics_csv", "ablation_png"))
    listed = "\n".join(f"  {path}" for path in files if path.is_file())
    times = stage_times(paths.root / "provenance")
    return f"{table.read_text()}\nAlso:\n{listed}\n\nStages (from their provenance blocks):\n{times}"


def stage_times(blocks: Path) -> str:
    """Write each stage's jobs, total wall and CPU time and peak memory, in the order in which they began."""
    rows = [
        {
            "stage": cost.stage,
            "jobs": cost.jobs,
            "wall time": f"{cost.seconds:.1f} s",
            "CPU time": f"{cost.cpu_seconds:.1f} s",
            "peak memory": f"{cost.peak_memory / 2**20:.0f} MiB",
        }
        for cost in stage_costs([read_block(path) for path in sorted(blocks.rglob("*.json"))])
    ]
    return str(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True))

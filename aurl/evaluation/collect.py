"""Collect: `metrics.csv`, the contract for other tools."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from aurl.pipeline.jobs import Job
from aurl.system.files import replacing

KEY = ["variant", "seed", "dataset", "clips", "splits"]
VALUES = ["top1", "top1_std", "top5", "class_top1", "closeness", "dispersion", "videos", "classes"]


def collect_metrics(metrics: dict[tuple[str, int, str], Path], output: Path) -> None:
    """Write `metrics.csv`: one row for each variant, seed, dataset, clips and splits, sorted, floats as %.6f."""
    rows = [
        {"variant": variant, "seed": seed, "dataset": dataset, **row}
        for (variant, seed, dataset), path in metrics.items()
        for row in read_metrics(path)
    ]
    table = pd.DataFrame(rows, columns=KEY + VALUES).sort_values(KEY)
    table["classes"] = table["classes"].astype(int)
    with replacing(output) as (temporary,):
        table.to_csv(temporary, index=False, float_format="%.6f", lineterminator="\n")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of one metrics file: clips, splits and the metrics (top1_std missing for 1 split)."""
    return [
        {"clips": int(clips.removeprefix("clips")), "splits": int(splits.removeprefix("splits")), **values}
        for clips, by_splits in json.loads(path.read_text()).items()
        for splits, values in by_splits.items()
    ]


def run(job: Job) -> None:
    """Run the stage `collect`."""
    collect_metrics(job.inputs.metrics, job.outputs.metrics_csv)

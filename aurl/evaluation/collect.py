"""Collect all metrics files into `metrics.csv`, the contract for other tools."""

from pathlib import Path

import pandas as pd

from aurl.evaluation import schema
from aurl.evaluation.metrics_file import read_metrics
from aurl.pipeline.jobs import Job
from aurl.system.files import replacing


def collect_metrics(metrics: dict[tuple[str, int, str], Path], output: Path) -> None:
    """Write `metrics.csv`: a row for each key, floats as %.6f.

    The column `protocol` is there only if a row is not of the default protocol.
    """
    rows = [
        {"variant": variant, "seed": seed, "dataset": dataset, **row}
        for (variant, seed, dataset), path in metrics.items()
        for row in read_metrics(path)
    ]
    if all(row[schema.PROTOCOL] == schema.DEFAULT_PROTOCOL for row in rows):
        for row in rows:
            del row[schema.PROTOCOL]
    columns = schema.order(name for row in rows for name in row)
    protocol = [schema.PROTOCOL] if schema.PROTOCOL in columns else []
    table = pd.DataFrame(rows, columns=columns).sort_values([*schema.KEY_NAMES[:3], *protocol, *schema.KEY_NAMES[3:]])
    table["classes"] = table["classes"].astype(int)
    with replacing(output) as (temporary,):
        table.to_csv(temporary, index=False, float_format="%.6f", lineterminator="\n")


def run(job: Job) -> None:
    """Run the stage `collect`."""
    collect_metrics(job.inputs.metrics, job.outputs.metrics_csv)

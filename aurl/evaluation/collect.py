"""Collect all metrics files into `metrics.csv`, the contract for other tools."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from aurl.evaluation import schema
from aurl.evaluation.metrics_file import read_metrics, read_metrics_of, read_metrics_of_seeds
from aurl.pipeline.jobs import Job
from aurl.system.files import replacing


def collect_metrics(
    metrics: Mapping[tuple[str, int, str], Path],
    output: Path,
    external: Mapping[str, Path] | None = None,
    seed: int = 0,
    generalised: Mapping[tuple[str, str], Path] | None = None,
) -> None:
    """Write `metrics.csv`: a row for each key, floats as %.6f.

    The column `protocol` is there only if a row is not of the default protocol.

    Args:
        metrics: (variant, seed, dataset) -> file. external: row from outside -> file.
        seed: the seed that rows from outside stand under; they have none of their own.
        generalised: (variant, held-out videos) -> file.
    """
    rows = [
        {"variant": variant, "seed": seed, "dataset": dataset, **row}
        for (variant, seed, dataset), path in metrics.items()
        for row in read_metrics(path)
    ]
    rows += [
        {"variant": name, "seed": seed, "dataset": dataset, **row}
        for name, path in (external or {}).items()
        for dataset, of_dataset in read_metrics_of(path).items()
        for row in of_dataset
    ]
    rows += [
        {"variant": variant, "seed": of_network, "dataset": dataset, **row}
        for (variant, _), path in (generalised or {}).items()
        for of_network, by_dataset in read_metrics_of_seeds(path).items()
        for dataset, of_dataset in by_dataset.items()
        for row in of_dataset
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
    inputs = job.inputs
    collect_metrics(
        inputs.metrics, job.outputs.metrics_csv, inputs.external, job.settings["seeds"][0], inputs.generalised
    )

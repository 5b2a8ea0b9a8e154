"""What a finished experiment leaves: metrics and tables of made-up values, and a small network."""

from pathlib import Path

from small_network import write_network
from table_sources import table_inputs, table_settings

from aurl.experiment.settings import Experiment
from aurl.pipeline.paths import ResultPaths
from aurl.report.table_formats import as_csv
from aurl.report.write_tables import make_tables


def write_results(experiment: Experiment, folder: Path) -> ResultPaths:
    """Write `metrics.csv`, the tables as csv, and the proposed variant's first network below `folder/results`.

    The working folder must hold the repository's `data`.
    """
    paths = ResultPaths(experiment.experiment, folder / "results")
    paths.of("ablation_csv").parent.mkdir(parents=True)
    inputs = table_inputs(experiment, paths.root)
    for name, table in make_tables(inputs, table_settings(experiment)).items():
        paths.of(f"{name}_csv").write_text(as_csv(table))
    seed = experiment.seeds[0]
    write_network(paths.of("checkpoint", variant=experiment.report.proposed, seed=seed), experiment.frames)
    return paths

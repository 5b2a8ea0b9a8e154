"""Read an experiment's results from Python: variants, metrics, tables, trained networks."""

from pathlib import Path
from typing import TYPE_CHECKING

from aurl.experiment.read import load_experiment
from aurl.pipeline.outputs import table_names
from aurl.pipeline.paths import RESULTS, ResultPaths
from aurl.system.errors import AurlError
from aurl.system.text_files import read_csv, rerun_hint

if TYPE_CHECKING:
    import pandas as pd

    from aurl.inference.model import Model


class Experiment:
    """Read the experiment of a `params.yaml`, and what it has finished; nothing is read before it is asked for.

    Attributes:
        settings: the whole of `params.yaml`, checked.
        paths: where its results lie, below `results` beside `params.yaml`.
    """

    def __init__(self, params: Path | str = "params.yaml") -> None:
        """Read the parameters. Raises: AurlError for an unusable file."""
        self.settings = load_experiment(Path(params))
        self.paths = ResultPaths(self.settings.experiment, Path(params).parent / RESULTS)

    def __repr__(self) -> str:
        return f"Experiment('{self.name}': {', '.join(self.variants)}; seeds {', '.join(map(str, self.seeds))})"

    @property
    def name(self) -> str:
        """Give the experiment's name."""
        return self.settings.experiment

    @property
    def variants(self) -> list[str]:
        """List the variants, in the order of the tables."""
        return list(self.settings.evaluated)

    @property
    def seeds(self) -> list[int]:
        """List the seeds."""
        return list(self.settings.seeds)

    @property
    def test_sets(self) -> list[str]:
        """List the test sets."""
        return list(self.settings.unseen)

    def metrics(self) -> "pd.DataFrame":
        """Read `metrics.csv`: a row for each variant, seed, test set, clip count and protocol; accuracies in percent.

        Raises: AurlError if it is not there yet, or damaged.
        """
        from aurl.evaluation import schema

        path = self._finished(self.paths.of("metrics_csv"))
        types = {column.name: column.kind for column in (*schema.KEY, *schema.value_columns())}
        return read_csv(path, schema.required_names(), rerun_hint(path), dtype=types)

    def table(self, name: str = "ablation") -> "pd.DataFrame":
        """Read a finished table: the numbers, each in a column of its own.

        Raises: AurlError for an unknown table, or one that is not there yet, or damaged.
        """
        if name not in table_names():
            raise AurlError(f"no table '{name}'; known: {', '.join(table_names())}")
        path = self._finished(self.paths.of(f"{name}_csv"))
        return read_csv(path, [], rerun_hint(path))

    def checkpoint(self, variant: str | None = None, seed: int | None = None) -> "Model":
        """Load a trained network, as `aurl.load` does.

        Args:
            variant: by default `report.proposed`. seed: by default the first.
        Raises: AurlError for an unknown one, or one that is not trained yet.
        """
        from aurl.inference.model import load
        from aurl.inference.predict import choose_checkpoint

        if seed is not None and seed not in self.seeds:
            raise AurlError(f"no seed {seed} in experiment '{self.name}', which has {', '.join(map(str, self.seeds))}")
        return load(choose_checkpoint(self.settings, self.paths, None, variant, seed))

    def _finished(self, path: Path) -> Path:
        if not path.is_file():
            raise AurlError(f"{path}: not made yet; run 'snakemake' in the folder of params.yaml")
        return path

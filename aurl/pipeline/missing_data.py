"""Data that an experiment may do without: what of it is not here, and where it is expected."""

from aurl.experiment.folders import source_folder
from aurl.experiment.parts import chosen_files
from aurl.experiment.settings import Experiment
from aurl.pipeline.paths import ResultPaths

VECTORS = "vectors"


def absent_data(experiment: Experiment, paths: ResultPaths) -> dict[str, str]:
    """Dataset (or `vectors`) -> where it is expected, for what is not here and was never used before.

    What was used before is never left out: an experiment that loses its data stops instead of replacing finished
    tables by emptier ones.
    """
    if experiment.absent == "error":
        return {}
    found = {}
    for name, dataset in experiment.datasets.items():
        folder = dataset.source.folder
        if folder is not None and not source_folder(folder).is_dir() and not paths.files(name).is_file():
            found[name] = f"no folder {source_folder(folder)}"
    absent = [path for path in chosen_files(experiment.semantics.encoder).values() if not path.is_file()]
    if absent and not any(paths.embeddings(name).is_file() for name in experiment.datasets):
        found[VECTORS] = f"no file {absent[0]}"
    return found

"""Find data that an experiment may do without and that is not here."""

from aurl.experiment.folders import source_folder
from aurl.experiment.parts import chosen_files
from aurl.experiment.settings import Experiment
from aurl.pipeline.paths import ResultPaths

VECTORS = "vectors"


def missing_data(experiment: Experiment, paths: ResultPaths) -> dict[str, str]:
    """Map each missing dataset, or `vectors`, to the place where it is expected.

    Data that was used before is never left out: an experiment that loses its data stops, and keeps finished tables.
    """
    if experiment.absent == "error":
        return {}
    missing = {}
    for name, dataset in experiment.datasets.items():
        folder = dataset.source.folder
        used_before = paths.of("listing", dataset=name).is_file()
        if folder is not None and not source_folder(folder).is_dir() and not used_before:
            missing[name] = f"no folder {source_folder(folder)}"
    absent = [path for path in chosen_files(experiment.semantics.encoder).values() if not path.is_file()]
    used_before = any(paths.of("embeddings", dataset=name).is_file() for name in experiment.datasets)
    if absent and not used_before:
        missing[VECTORS] = f"no file {absent[0]}"
    return missing

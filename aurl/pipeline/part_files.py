"""List the files that the parts of an experiment read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aurl.experiment.folders import source_folder
from aurl.experiment.read import typed_value
from aurl.experiment.settings import Experiment
from aurl.pipeline.stage import PartFiles
from aurl.system import plugins


def part_files(declared: PartFiles, experiment: Experiment, wildcards: Mapping[str, Any]) -> dict[str, Path]:
    """Map the names of the files that parts read to their paths."""
    listed = _listed(declared, experiment, wildcards)
    return {name: source_folder(str(path)) for _, files in listed for name, path in files.items()}


def dvc_paths(declared: PartFiles, experiment: Experiment) -> list[str]:
    """Name the files as `dvc.yaml` does: a file that a setting of the part names is written as its key.

    The files that come with the repository stand for those of any choice of parts.
    """
    paths = list(declared.shipped)
    for settings, files in _listed(declared, experiment, {}):
        chosen = type(settings).model_fields
        paths += [f"${{{declared.key}.{name}}}" if name in chosen else str(path) for name, path in files.items()]
    return paths


def _listed(
    declared: PartFiles, experiment: Experiment, wildcards: Mapping[str, Any]
) -> list[tuple[Any, dict[str, Path]]]:
    """List each part's settings with its files by name."""
    value = typed_value(experiment, declared.key.format(seen=experiment.seen, **wildcards))
    parts = value if isinstance(value, Mapping) else {value.name: value}
    listed = []
    for name, settings in parts.items():
        list_files = getattr(plugins.load(declared.folder, name), declared.function, None)
        files = list_files(settings) if list_files else {}
        listed.append((settings, files if isinstance(files, dict) else {path.stem: path for path in files}))
    return listed

"""Switching experiments: `params.yaml` from a preset."""

from collections.abc import Iterator
from pathlib import Path

from aurl.experiment.changes import describe_changes
from aurl.experiment.folders import source_folder
from aurl.experiment.presets import load_preset, preset_text
from aurl.experiment.read import load_experiment
from aurl.experiment.settings import Experiment
from aurl.lineage.dvc import has_results, status
from aurl.system.errors import AurlError
from aurl.system.files import write_text


def use_preset(name: str, params: Path, force: bool = False) -> Iterator[str]:
    """Write `params` from a preset, and say what changes.

    Raises:
        AurlError: there is no such preset, or the present experiment has results that are not recorded
            (their lineage would no longer be) and `force` is not given.
    """
    chosen, text = load_preset(name), preset_text(name)
    if params.is_file():
        if text == params.read_text():
            yield f"{params} is preset '{name}' already"
            return
        present = _present(params)
        if present is not None:
            leaving = present.experiment
            if leaving != chosen.experiment and not force and has_results(leaving) and status():
                raise AurlError(
                    f"experiment '{leaving}' has results that are not recorded; run 'aurl record' first,"
                    f" or 'aurl use {name} --force' (its files stay in results/{leaving} either way)"
                )
            yield from describe_changes(present, chosen)
    write_text(params, text)
    yield f"{params} is now preset '{name}'; results go to results/{chosen.experiment}"
    for dataset, settings in chosen.datasets.items():
        if settings.source.folder is not None and not source_folder(settings.source.folder).is_dir():
            yield (
                f"note: dataset '{dataset}' is expected in {source_folder(settings.source.folder)}, which is not there;"
                " docs/datasets.md says what belongs into it"
            )


def _present(params: Path) -> Experiment | None:
    """The experiment that is left; a broken file has none that could be lost."""
    try:
        return load_experiment(params)
    except AurlError:
        return None

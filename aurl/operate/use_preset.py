"""Switch experiments: write `params.yaml` from a preset."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aurl.experiment.changes import describe_changes
from aurl.experiment.folders import source_folder
from aurl.experiment.presets import load_preset, preset_text
from aurl.experiment.read import load_experiment
from aurl.lineage.dvc import status
from aurl.system.errors import AurlError
from aurl.system.files import write_text


def use_preset(name: str, params: Path, force: bool = False) -> Iterator[str]:
    """Write `params` from a preset, and say what changes.

    Raises:
        AurlError: there is no such preset, or the present experiment has results that are not recorded
            (their lineage would no longer be) and `force` is not given.
    """
    chosen, text, present = load_preset(name), preset_text(name), None
    if params.is_file():
        if text == params.read_text():
            yield f"{params} is preset '{name}' already"
            return
        with suppress(AurlError):  # a broken file has no experiment that could be lost
            present = load_experiment(params)
        if present is not None:
            leaving = present.experiment
            has_results = any(Path("results", leaving).glob("*"))
            if leaving != chosen.experiment and not force and has_results and status():
                raise AurlError(
                    f"experiment '{leaving}' has results that are not recorded; run 'aurl record' first,"
                    f" or 'aurl use {name} --force' (its files stay in results/{leaving} either way)"
                )
            yield from describe_changes(present, chosen)
    write_text(params, text)
    yield f"{params} is now preset '{name}'; results go to results/{chosen.experiment}"
    for dataset, settings in chosen.datasets.items():
        folder = settings.source.folder and source_folder(settings.source.folder)
        if folder and not folder.is_dir():
            yield f"note: dataset '{dataset}' is expected in {folder}, which does not exist; see docs/datasets.md"

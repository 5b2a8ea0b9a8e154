"""Switch experiments: write `params.yaml` from a preset, or list the presets."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aurl.experiment.changes import describe_changes
from aurl.experiment.folders import source_folder, unset_variable
from aurl.experiment.presets import PRESETS, load_preset, preset_names, preset_text
from aurl.experiment.read import load_experiment
from aurl.experiment.settings import Experiment
from aurl.experiment.snapshot import FOLDER
from aurl.system.errors import AurlError
from aurl.system.files import write_text
from aurl.system.git import git
from aurl.system.terminal import counted, wrapped

MOST_CHANGES = 12  # lines; more are counted by section
LEFT = FOLDER / "left"  # keeps an edited params.yaml that was replaced


def list_presets(params: Path) -> Iterator[str]:
    """Yield each preset with its purpose, the present one marked."""
    present = params.read_text() if params.is_file() else ""
    with suppress(AurlError):
        name = load_experiment(params).experiment
        known = {each: preset_text(each) for each in preset_names()}
        for each, text in known.items():
            edited = ", edited" if present != text else ""
            mark = f" (present{edited})" if each == name else ""
            yield from wrapped(f"{'*' if mark else ' '} {each:8} {purpose_of(each)}{mark}", " " * 11)
        if name not in known:
            yield f"* {name:8} of {params} (present)"
        yield "\n'aurl use NAME' writes params.yaml; 'aurl plan' then says what it takes."
        return
    for each in preset_names():
        yield from wrapped(f"  {each:8} {purpose_of(each)}", " " * 11)
    yield f"\n{params} is missing or has mistakes; 'aurl use NAME' writes it."


def purpose_of(name: str) -> str:
    """Return the first sentence of a preset's head."""
    head = []
    for line in (PRESETS / f"{name}.yaml").read_text().splitlines():
        if not line.startswith("# "):
            break
        head.append(line.removeprefix("# "))
    return " ".join(head).partition(". ")[0].removesuffix(".")


def use_preset(name: str, params: Path, everything: bool = False) -> Iterator[str]:
    """Write `params` from a preset, and say what changes.

    A file with changes of the user's own that git does not hold is kept.

    Args:
        everything: list every key that changes, however many.
    Raises: AurlError for an unknown preset.
    """
    chosen, text, present = load_preset(name), preset_text(name), None
    if params.is_file():
        if text == params.read_text():
            yield f"{params} is preset '{name}' already"
            return
        with suppress(AurlError):  # a broken file has no experiment to compare
            present = load_experiment(params)
        yield from _keep_edited(params, name if present is None else present.experiment)
    write_text(params, text)
    yield f"{params} is now preset '{name}'; results go to results/{chosen.experiment}"
    if present is not None:
        yield from _changed(present, chosen, everything)
    yield from _missing_folders(chosen)
    yield "next: 'aurl plan' says what it takes, 'snakemake' runs it"


def _keep_edited(params: Path, name: str) -> Iterator[str]:
    """Copy a file that is no preset and not git's."""
    text = params.read_text()
    with suppress(AurlError):
        if text == git("show", f"HEAD:./{params.name}"):
            return
    if text not in map(preset_text, preset_names()):
        kept = LEFT / f"{name}.yaml"
        write_text(kept, text)
        yield f"your edited {params} is kept as {kept}"


def _changed(present: Experiment, chosen: Experiment, everything: bool) -> Iterator[str]:
    """Say which keys change: each, or their number in each section."""
    lines = list(describe_changes(present, chosen))
    if everything or len(lines) <= MOST_CHANGES:
        yield from lines
        return
    datasets = ", ".join(chosen.unseen)
    yield from wrapped(f"  trained on {chosen.seen}, tested on {datasets}", "  ")
    sections = Counter(line.split()[1].partition(".")[0].rstrip(":") for line in lines)
    counts = ", ".join(f"{number} in {section}" for section, number in sections.most_common(3))
    more = (
        f"{counted(len(lines), 'key')} changed, most of them {counts} ('aurl use {chosen.experiment} --all' lists them)"
    )
    yield from wrapped(f"  {more}", "  ")


def _missing_folders(chosen: Experiment) -> Iterator[str]:
    """Name the datasets whose folder is not here."""
    for dataset, settings in chosen.datasets.items():
        folder = settings.source.folder and source_folder(settings.source.folder)
        if folder and not folder.is_dir():
            variable = unset_variable(settings.source.folder or "")
            mend = f"set {variable} to the folder of the datasets" if variable else "see docs/datasets.md"
            yield from wrapped(f"missing: dataset '{dataset}', expected in {folder}; {mend}", "  ")

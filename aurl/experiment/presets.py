"""Read the experiments that come with the repository."""

import re

import yaml

from aurl.experiment.merged import merged_text
from aurl.experiment.read import parse_experiment
from aurl.experiment.settings import Experiment
from aurl.system.errors import AurlError, choices
from aurl.system.plugins import PACKAGE

PRESETS = PACKAGE.parent / "presets"


def preset_names() -> list[str]:
    """List the presets, sorted. A file that names no experiment is the base of others, and no preset."""
    files = PRESETS.glob("*.yaml")
    return sorted(path.stem for path in files if re.search("^experiment:", path.read_text(), re.MULTILINE))


def preset_text(name: str) -> str:
    """Write out a preset, merged with its base: the text of a whole `params.yaml`.

    Raises: AurlError for an unknown preset.
    """
    known = preset_names()
    if name not in known:
        raise AurlError(f"unknown preset '{name}'; {choices(name, known)}")
    return merged_text(PRESETS / f"{name}.yaml")


def load_preset(name: str) -> Experiment:
    """Read and check a preset. Raises: AurlError for an unknown preset, or one with mistakes."""
    return parse_experiment(yaml.safe_load(preset_text(name)), f"presets/{name}.yaml")


def find_preset(name: str) -> Experiment | None:
    """Read the preset of a name; None if there is none."""
    return load_preset(name) if name in preset_names() else None

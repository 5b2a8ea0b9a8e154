"""Find the experiments that come with the repository."""

from pathlib import Path

from aurl.experiment.read import load_experiment
from aurl.experiment.settings import Experiment

PRESETS = Path("presets")


def preset_names() -> list[str]:
    """List the presets, sorted."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def find_preset(name: str) -> Experiment | None:
    """Read the preset of a name; None if there is none."""
    return load_experiment(PRESETS / f"{name}.yaml") if name in preset_names() else None

"""The experiment as a run started with it, so that editing params.yaml meanwhile changes no running job."""

import hashlib
from pathlib import Path

import yaml

from aurl.experiment.settings import Experiment
from aurl.system.files import write_text

FOLDER = Path(".snakemake/aurl")
VARIABLE = "AURL_PARAMS"  # names the frozen experiment; Snakemake hands it to every job


def snapshot(experiment: Experiment, folder: Path = FOLDER) -> Path:
    """Write the experiment under a name made of its contents; returns the file."""
    text = yaml.safe_dump(experiment.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    path = folder / f"params-{hashlib.sha256(text.encode()).hexdigest()[:16]}.yaml"
    if not path.is_file():
        write_text(path, text)
    return path

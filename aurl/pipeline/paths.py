"""Name the files of an experiment, as the stages declare them."""

import re
from pathlib import Path
from typing import Any

from aurl.pipeline.stages import STAGES

RESULTS = Path("results")
TEMPLATES = {artefact: template for stage in STAGES.values() for artefact, template in stage.makes.items()}


class ResultPaths:
    """The files of one experiment."""

    def __init__(self, experiment: str, results: str | Path = RESULTS) -> None:
        self.root = Path(results) / experiment

    def of(self, artefact: str, **wildcards: Any) -> Path:
        """Name an artefact's file; a wildcard's value may be one of Snakemake's, such as `{dataset}`."""
        return self.root / TEMPLATES[artefact].format(**wildcards)

    def below(self, template: str, **wildcards: Any) -> Path:
        """Name a file that is no artefact, such as the state of an unfinished training."""
        return self.root / template.format(**wildcards)

    def folder_of(self, artefact: str) -> Path:
        """Name the folder that holds an artefact for all values of its wildcards."""
        return self.root / re.split(r"/[^/]*\{", TEMPLATES[artefact], maxsplit=1)[0]

    def provenance(self, artefact: Path) -> Path:
        """Name an artefact's provenance block: the same path below `provenance/`.

        Blocks hold times. They lie apart from the artefacts, so that a folder of artefacts can be a DVC dependency.
        """
        relative = artefact.relative_to(self.root)
        return self.root / "provenance" / relative.with_name(relative.name + ".json")

    def log(self, artefact: Path) -> Path:
        """Name the file that holds what the stage of an artefact printed."""
        relative = artefact.relative_to(self.root)
        return self.root / "logs" / relative.with_name(relative.name + ".log")

"""The folders and files that an experiment names."""

import os
import re
from pathlib import Path

from aurl.experiment.settings import SourceSettings
from aurl.system.errors import AurlError

DEFAULT_VARIABLES = {"AURL_REALVIDEO": "../shared/realvideo"}


def source_folder(folder: str) -> Path:
    """A dataset's own folder (or a file); `$NAME` at its start is an environment variable: no paths in parameters.

    Raises: AurlError if the variable is not set and has no default.
    """
    match = re.match(r"\$([A-Z_]+)", folder)
    if match is None:
        return Path(folder)
    value = os.environ.get(match[1], DEFAULT_VARIABLES.get(match[1]))
    if value is None:
        raise AurlError(
            f"the environment variable {match[1]} in the folder '{folder}' is not set; set it to the dataset's place"
        )
    return Path(value + folder[match.end() :])


def unset_variable(folder: str) -> str | None:
    """Name the environment variable at the start of a folder if it is not set and its default stands for it."""
    match = re.match(r"\$([A-Z_]+)", folder)
    return match[1] if match and match[1] not in os.environ else None


def snakemake_path(path: Path) -> Path:
    """The path, as an input of a rule. Raises: AurlError if Snakemake would read it as something else."""
    found = re.search(r"<[a-z][a-z0-9_]*>|[{}]", str(path))
    if found:
        raise AurlError(f"{path}: Snakemake takes '{found[0]}' in a name for a variable of its own; rename the folder")
    if not str(path).isprintable():
        raise AurlError(
            f"{str(path)!a}: the name contains a line break or another character that cannot be printed; rename it"
        )
    return path


def video_folder(source: SourceSettings, held: Path) -> Path:
    """The folder that a dataset's relative paths start from.

    Args:
        held: the dataset's folder inside the results, for rendered or versioned videos.
    """
    if source.folder is None or source.versioned:
        return held
    return source_folder(source.folder)

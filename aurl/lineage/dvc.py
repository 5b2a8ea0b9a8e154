"""DVC's command line, asked for what it knows. Snakemake runs the stages; DVC records and versions them."""

import json
import subprocess
from pathlib import Path
from typing import Any

from aurl.errors import AurlError

Status = dict[str, list[Any]]


def dvc(*arguments: str) -> str:
    """Run a dvc command and return what it prints.

    Raises: AurlError with dvc's own words if it fails.
    """
    done = subprocess.run(["dvc", *arguments], capture_output=True, text=True)
    if done.returncode:
        reason = " ".join((done.stderr or done.stdout).split())[-600:]
        raise AurlError(f"'dvc {' '.join(arguments[:3])}' failed: {reason}")
    return done.stdout


def status() -> Status:
    """The stages of params.yaml that differ from dvc.lock, with what differs."""
    found = json.loads(dvc("status", "--json") or "{}")
    return {stage: changes for stage, changes in found.items() if isinstance(changes, list)}


def changes(stage_changes: list[Any], kind: str) -> dict[str, str]:
    """Path -> change, for `kind` "changed outs" or "changed deps" of one stage."""
    return {
        path: what for entry in stage_changes if isinstance(entry, dict) for path, what in entry.get(kind, {}).items()
    }


def has_results(experiment: str) -> bool:
    """Whether anything of the experiment lies in the results."""
    folder = Path("results") / experiment
    return folder.is_dir() and any(folder.iterdir())

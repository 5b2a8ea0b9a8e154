"""A bundle against the validators of its communities, where they are installed and can reach their vocabularies.

Both have many dependencies, so they belong into an environment of their own, whose programs are on PATH:
`pip install roc-validator mlcroissant`.
"""

import shutil
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no {name} on PATH")
    return path


def test_the_bundle_is_a_workflow_run_ro_crate(micro_bundle: Path) -> None:
    validator = program("rocrate-validator")
    command = [validator, "-y", "validate", "-p", "workflow-run-crate", "--no-paging", "-v", str(micro_bundle)]
    done = subprocess.run(command, capture_output=True, text=True)
    said = done.stdout + done.stderr
    if any(word in said for word in ("URLError", "NameResolution", "Unable to retrieve")):
        pytest.skip("the validator could not fetch the vocabularies from w3id.org")
    assert done.returncode == 0, said
    assert "is a valid workflow-run-crate" in said


def test_the_lists_are_a_croissant_dataset(micro_bundle: Path, tmp_path: Path) -> None:
    validator = program("mlcroissant")
    with ZipFile(micro_bundle) as archive:
        (tmp_path / "croissant.json").write_bytes(archive.read("croissant.json"))
    command = [validator, "validate", "--jsonld", str(tmp_path / "croissant.json")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Done" in done.stdout + done.stderr

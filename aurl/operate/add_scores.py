"""Declare a score file of another method in `params.yaml`: a row from outside."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aurl.experiment.external import TRACKS
from aurl.experiment.settings import Experiment
from aurl.operate.edit_params import edit_params, spelled
from aurl.pipeline.jobs import Jobs
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file


def declare_scores(params: Path, jobs: Jobs, file: Path, row: str, key: str, given: dict[str, Any]) -> Iterator[str]:
    """Check a score file against a test set of the experiment, and name it in `params`.

    Args:
        row: a new row, or one that gets the file of another test set. key: of `report.test_sets`.
        given: label, track and clips of the row; None keeps what it has.
    Raises:
        AurlError: the file is not usable or not of the test set, a new row has no track, or the result is no valid
            experiment.
    """
    _check_names(jobs.experiment, row, key, given)
    checked = _check_file(jobs, file, key)
    entry = {"file": spelled(file), "sha256": sha256_file(file)}
    stated = {name: value for name, value in given.items() if value is not None}

    def add(raw: Any) -> None:
        known = raw["external"].setdefault(row, {"label": row})
        known.update(stated)
        known.setdefault("files", {})[key] = entry

    edit_params(params, add)
    yield f"{params}: row '{row}' now has the scores {entry['file']} for {key} (SHA-256 {entry['sha256'][:12]})"
    yield checked
    yield "run 'snakemake' to put the row into tables, figures and statistics"


def _check_names(experiment: Experiment, row: str, key: str, given: dict[str, Any]) -> None:
    from aurl.evaluation.published import published_methods

    if row not in experiment.external and given["track"] is None:
        raise AurlError(f"--row {row}: a new row needs --track: {', '.join(TRACKS)}")
    if row in published_methods():
        raise AurlError(f"--row {row}: a published row of the ablation has this name; give the row another one")
    if key not in experiment.report.test_sets:
        known = ", ".join(experiment.report.test_sets)
        raise AurlError(f"--test-set {key}: none of the keys of report.test_sets ({known})")


def _check_file(jobs: Jobs, file: Path, key: str) -> str:
    """Match the file to the test set where that is ready, and say so; otherwise only check that it is there."""
    from aurl.scoring.external import TestedFiles, experiment_test_set, read_outside

    if not file.is_file():
        raise AurlError(f"{file}: no such file of scores")
    shown = jobs.experiment.report.test_sets[key]
    manifest, *others = (
        jobs.paths.of(name, dataset=shown.dataset) for name in ("manifest", "embeddings", "frames_index")
    )
    if not all(path.is_file() for path in (manifest, *others)):
        return f"{shown.dataset} is not decoded yet: 'snakemake' checks the names of videos and classes"
    broken = jobs.experiment.datasets[shown.dataset].broken
    test_set = experiment_test_set(key, shown.label, TestedFiles(manifest, broken, *others))
    read_outside(file, test_set, 1)
    return f"its names match {shown.label}: {len(test_set.videos):,} videos of {len(test_set.classes)} classes"

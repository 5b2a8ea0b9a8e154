"""The text of an audit: many missing artefacts stand in one line."""

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from aurl.audit.audit import Finding, JobReport, Report
from aurl.audit.report import as_text
from aurl.experiment.presets import load_preset
from aurl.pipeline.jobs import Jobs


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with chdir(tmp_path):
        yield Jobs(load_preset("micro"))


def report_of(jobs: Jobs, absent: int) -> Report:
    """An audit of the features, of which the first `absent` are missing."""
    report = Report()
    for job in [job for job in jobs.all() if job.stage.name == "features"]:
        path = str(job.made[0])
        missing = [Finding("missing", path, "not on disk")] if len(report.jobs) < absent else []
        report.jobs.append(JobReport(job, {path: "missing" if missing else "a"}, {}, {}, missing))
    return report


def test_a_fresh_clone_gets_one_line(jobs: Jobs) -> None:
    lines = as_text(report_of(jobs, 10), chain=False).splitlines()
    assert lines == [
        "nothing is here: all 10 artefacts are missing; 'aurl sync' or 'snakemake' brings them",
        "10 jobs, 10 artefacts audited: 10 findings",
    ]


def test_many_missing_artefacts_are_counted_and_few_are_named(jobs: Jobs) -> None:
    report = report_of(jobs, 6)
    report.jobs[9].findings.append(Finding("changed", "x", "other contents"))
    text = as_text(report, chain=False)
    assert text.startswith("missing: 6 of 10 artefacts, first results/micro/features/mse/seed0/micro_ucf.safetensors;")
    assert "changed: x: other contents\n" in text
    few = as_text(report_of(jobs, 1), chain=False).splitlines()
    assert few[0].startswith("missing: results/micro/features/")
    assert few[1] == "10 jobs, 10 artefacts audited: 1 finding"

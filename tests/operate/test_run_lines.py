"""What stands on the terminal during a run: Snakemake's messages, in our few lines."""

import io
import logging
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from repositories import REPOSITORY

from aurl.experiment.presets import load_preset
from aurl.operate import run_lines
from aurl.operate.plan_lines import planned_lines
from aurl.operate.run_lines import RunLines
from aurl.operate.snakemake_lines import Lines
from aurl.pipeline.jobs import Jobs

STATS = {"train": 2, "features": 1, "all": 1, "total": 4}


class Terminal(io.StringIO):
    """A text stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    (tmp_path / "data").symlink_to(REPOSITORY / "data")
    with chdir(tmp_path):
        yield Jobs(load_preset("micro"))


def tell(lines: Lines, text: str = "", event: str | None = None, **values: Any) -> None:
    record = logging.LogRecord("snakemake", logging.INFO, "", 0, text, (), None)
    vars(record).update(values | ({"event": event} if event else {}))
    lines.handle(record)


def start(lines: Lines, number: int, variant: str, log: Path | None = None) -> None:
    wildcards = {"variant": variant, "seed": "0"}
    tell(lines, event="job_info", jobid=number, rule_name="train", wildcards=wildcards, log=[str(log)] if log else [])


def test_a_log_gets_a_line_now_and_then_and_the_end(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    lines = RunLines(jobs, stream)
    tell(lines, "Building DAG of jobs...")
    tell(lines, "\nSNAKEMAKE\n", event="workflow_started")
    tell(lines, "Job stats", event="run_info", stats=STATS)
    start(lines, 1, "aurl")
    start(lines, 2, "ls")
    monkeypatch.setattr(run_lines, "LOG_SECONDS", 0.0)
    tell(lines, event="job_finished", job_id=1)
    monkeypatch.setattr(run_lines, "LOG_SECONDS", 60.0)
    tell(lines, "a remark of the Snakefile")
    tell(lines, event="job_finished", job_id=2)
    lines.close()
    first, line, remark, last = stream.getvalue().splitlines()
    assert first == "aurl: experiment micro: 3 jobs to run; 'aurl status' shows more"
    assert line.startswith("aurl: 1 of 3 jobs done, 1 running (train ls 0), ")
    assert remark == "a remark of the Snakefile"
    assert last == "aurl: stopped: 2 of 3 jobs done in 0 s; 'snakemake' goes on"


def test_a_terminal_has_one_live_line(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    log = tmp_path / "train.log"
    log.write_text("train aurl seed 0: 4/10 steps 5.1/s, 125 s left\n")
    stream = Terminal()
    lines = RunLines(jobs, stream)
    tell(lines, event="run_info", stats=STATS)
    start(lines, 1, "aurl", log)
    tell(lines, "a remark")
    assert stream.getvalue().endswith(
        "\r\x1b[Ka remark\n\r0 of 3 jobs done, 1 running (train aurl 0), at least 2 min left\x1b[K"
    ), "above the live line; the time is what the job says, and features are not known"
    monkeypatch.setenv("COLUMNS", "40")
    tell(lines, event="job_finished", job_id=1)
    assert max(len(part.removesuffix("\x1b[K")) for part in stream.getvalue().split("\r")[-1:]) < 40
    lines.close()
    assert stream.getvalue().endswith("\r\x1b[Kaurl: stopped: 1 of 3 jobs done in 0 s; 'snakemake' goes on\n")


def test_a_failed_job_is_named_with_its_log(jobs: Jobs, tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("first\naurl: error: no space left\n")
    stream = io.StringIO()
    lines = RunLines(jobs, stream)
    tell(lines, event="run_info", stats=STATS)
    start(lines, 1, "aurl", log)
    output = [f"{jobs.of('train', variant='aurl', seed=0).made[0]} (update)"]
    tell(lines, event="job_error", jobid=1, rule_name="train", output=output, log=[f"{log} (update)"])
    tell(lines, "RuleException:\nCalledProcessError in file x: returned non-zero exit status 1", event="error")
    tell(lines, "WorkflowError:\nAt least one job did not complete successfully.", event="error")
    tell(lines, "MissingInputException in rule train", event="error")
    lines.close()
    assert stream.getvalue().splitlines()[1:] == [
        f"failed: train aurl 0; its log: {log}",
        "  first",
        "  aurl: error: no space left",
        "MissingInputException in rule train",
        "aurl: stopped: 0 of 3 jobs done in 0 s, 1 failed; 'snakemake' goes on when the cause is mended",
    ]


def test_interrupted_jobs_are_no_failed_ones(jobs: Jobs) -> None:
    stream = io.StringIO()
    lines = RunLines(jobs, stream)
    tell(lines, event="run_info", stats=STATS)
    start(lines, 1, "aurl")
    tell(lines, "Terminating processes on user request, this might take some time.")
    tell(lines, event="job_error", jobid=1, rule_name="train", output=[], log=["x.log"])
    lines.close()
    assert stream.getvalue().splitlines()[1:] == [
        "aurl: interrupted: 0 of 3 jobs done in 0 s; finished results are kept, 'snakemake' goes on"
    ]


def test_nothing_to_do_is_said(jobs: Jobs) -> None:
    stream = io.StringIO()
    lines = RunLines(jobs, stream)
    tell(lines, "Nothing to be done (all requested files are present and up to date).")
    lines.close()
    assert stream.getvalue() == "Nothing to be done: every result of experiment 'micro' is up to date.\n"


def test_the_plan_of_a_dry_run(jobs: Jobs) -> None:
    """Nothing is made: why each stage would run, and what may change, in 80 columns."""
    cells = [jobs.of(stage, variant="ls", seed=0, dataset="micro_ucf").name for stage in ("features", "evaluate")]
    planned = dict.fromkeys(["train ls 0", *cells, "tables"], "Missing output files: x")
    text = "\n".join(planned_lines(jobs, planned))
    assert text.startswith(f"4 of {len(list(jobs.all()))} jobs of experiment 'micro' would run:\n")
    assert "train        1  not made yet\n" in text
    assert "total        4\n" in text
    assert "What may change in the tables: Base w/ L_S on UCF-like (1 seed);" in text
    assert max(map(len, text.splitlines())) <= 80
    scores = dict.fromkeys([jobs.of("method_scores", variant="eszsl", seed=0, dataset="micro_hmdb").name], "")
    assert "What may change in the tables: eszsl on HMDB-like (1 seed);" in "\n".join(planned_lines(jobs, scores))
    measured = {job.name: "" for job in jobs.all() if "metrics" in job.stage.makes}
    assert "What may change in the tables: every row on" in " ".join("\n".join(planned_lines(jobs, measured)).split())
    assert "No number of the tables changes." in "\n".join(planned_lines(jobs, {"report": "Forced execution"}))

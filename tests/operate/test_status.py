"""`aurl status`: finished, half deleted, running, killed and failed experiments; and that it only looks."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import pytest
from repositories import environment_of, runner
from terminal import on_terminal

from aurl.experiment.presets import load_preset, preset_text
from aurl.operate.status import JobStatus, Overview, last_lines, survey
from aurl.operate.status_report import as_text
from aurl.pipeline.jobs import Jobs
from aurl.system.locks import Holder, exclusive, forget_dead_run, living_run, maker

STAGES = 17


def look(folder: Path) -> dict[str, Any]:
    """What `aurl status --json` says."""
    return dict(json.loads(runner(folder)("aurl", "status", "--json", ok=False).stdout))


def states(found: dict[str, Any]) -> dict[str, str]:
    """Stage with wildcards -> state."""
    return {" ".join([job["stage"], *map(str, job["wildcards"].values())]): job["state"] for job in found["jobs"]}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def files(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.workflow
def test_a_finished_experiment_is_done_and_nothing_is_written(finished_micro: Path) -> None:
    before = files(finished_micro)
    found = look(finished_micro)
    assert found["state"] == "done"
    assert set(states(found).values()) == {"done"}
    assert len(found["stages"]) == STAGES
    assert found["stages"]["features"]["total"] == 5 * 2
    assert found["remaining"] is None
    text = runner(finished_micro)("aurl", "status").stdout
    assert text.startswith("experiment micro: done\n")
    assert re.search(r"^train +5 +5$", text, re.MULTILINE)
    assert "\x1b" not in text
    assert re.search(
        r"^AURL, top-1 in %: UCF-like [\d.]+, HMDB-like [\d.]+ \(1 seed\); 'aurl summary'", text, re.MULTILINE
    )
    assert max(map(len, text.splitlines())) <= 80
    assert files(finished_micro) == before


@pytest.mark.workflow
def test_what_is_deleted_or_changed_waits_with_all_that_follows(micro: Path) -> None:
    shutil.rmtree(micro / "results/micro/checkpoints/ls")
    shutil.rmtree(micro / "results/micro/provenance/features/mse")
    (micro / "results/micro/provenance/metrics/aurl/seed0/micro_ucf.json.json").write_text('{"identity": {}')
    run = runner(micro)
    found = look(micro)
    waiting = {name for name, state in states(found).items() if state != "done"}
    cells = {f"{stage} {variant} 0 {data}" for stage in ("features", "evaluate") for variant in ("ls", "mse")
             for data in ("micro_ucf", "micro_hmdb")}  # fmt: skip
    assert waiting == {
        "train ls 0",
        "evaluate aurl 0 micro_ucf",
        "collect",
        "statistics",
        "tables",
        "figures",
        "report",
        *cells,
    }
    assert {job["state"] for job in found["jobs"]} == {"done", "waiting"}, "a log of a success is no failure"
    text = run("aurl", "status").stdout
    assert re.search(r"(about|at least) \d+ (s|min) with one job at a time", text)
    assert "not known for" not in text
    edit(micro / "params.yaml", "title: AURL on", "title: Another AURL on")
    edit(micro / "params.yaml", "lr: 0.05", "lr: 0.06")
    with (micro / "aurl/evaluation/metrics.py").open("a") as handle:
        handle.write("# a remark\n")
    (
        micro / "results/micro/provenance/metrics/aurl/seed0/micro_ucf.json.json"
    ).unlink()  # Snakemake refuses a damaged one
    text = run("snakemake", "-n").stdout
    assert re.search(r"^train +5  training\.optimizer\.lr: 0\.05 -> 0\.06$", text, re.MULTILINE), text
    assert re.search(r"^collect +1  follows from the above$", text, re.MULTILINE)
    assert "What may change in the tables: every row on UCF-like and HMDB-like (1 seed)" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
    text = run("aurl", "status").stdout
    assert "  train (5 jobs): made with other values of training\n" in text
    assert "  evaluate (9 jobs): made with other versions of aurl/evaluation/metrics.py\n" in text
    assert "  tables: made with other values of report\n" in text
    assert "not known for train, evaluate, method_scores, statistics, tables, figures, report: " in " ".join(
        text.split()
    ), "no training with the new rate has finished"


@pytest.mark.workflow
def test_a_part_that_others_made_differently_is_not_done(micro: Path) -> None:
    block = micro / "results/micro/provenance/embeddings/micro_hmdb.safetensors.json"
    edit(block, json.loads(block.read_text())["outputs"]["results/micro/embeddings/micro_hmdb.safetensors"], "0" * 64)
    found = look(micro)
    assert {job["stage"]: job["reason"] for job in found["jobs"]}["seen_classes"] == "made from other inputs"
    assert states(found)["train aurl 0"] == "waiting"


@pytest.mark.workflow
def test_running_and_killed(micro: Path) -> None:
    """The jobs that run, with process and progress; after SIGKILL of Snakemake its orphans; then what was killed."""
    edit(micro / "params.yaml", "epochs: 2\n", "epochs: 5000\n")
    with background(micro, "snakemake") as snakemake:
        found = wait(micro, lambda found: any(job["process"] for job in found["jobs"]))
        running = [job for job in found["jobs"] if job["state"] == "running"]
        assert {job["stage"] for job in running} == {"train"}
        assert found["state"] == "running"
        assert found["snakemake"]["pid"] == snakemake.pid
        job = next(job for job in running if job["process"])
        assert f"--variant\0{job['wildcards']['variant']}\0" in Path(f"/proc/{job['process']}/cmdline").read_text()
        assert abs(job["since"] - time.time()) < 60
        text = runner(micro)("aurl", "status").stdout
        assert re.search(
            rf"^  train {job['wildcards']['variant']} 0: since [\d:]+ \(\d+ s\), process", text, re.MULTILINE
        )
        snakemake.send_signal(signal.SIGKILL)
        snakemake.wait()
        assert look(micro)["state"] == "running", "the jobs outlive it"
        assert "no snakemake lives" in runner(micro)("aurl", "status").stdout
        kill_jobs(micro)
    found = wait(micro, lambda found: found["state"] != "running")
    assert found["state"] == "interrupted"
    assert {job["stage"] for job in found["jobs"] if job["state"] == "interrupted"} == {"train"}
    assert found["stages"]["train"]["interrupted"] == len(running)
    assert runner(micro)("aurl", "status").returncode == 0


@pytest.mark.workflow
def test_a_failed_job_shows_the_end_of_its_log_and_status_1(micro: Path) -> None:
    run = runner(micro)
    text = (micro / "params.yaml").read_text()
    wrong = text.replace("tokens: ucf101", "tokens: olympic_sports16").replace("tokens: hmdb51", "tokens: ucf101")
    (micro / "params.yaml").write_text(wrong)
    assert run("snakemake", ok=False).returncode != 0
    done = run("aurl", "status", ok=False)
    assert done.returncode == 1
    assert "experiment micro: failed" in done.stdout
    assert "  embeddings micro_ucf: results/micro/logs/embeddings/micro_ucf.safetensors.log\n" in done.stdout
    assert "    aurl: error: data/class_tokens.csv: dataset 'olympic_sports16' has no class" in done.stdout
    assert states(look(micro))["seen_classes"] == "waiting"
    log = micro / "results/micro/logs/embeddings/micro_hmdb.safetensors.log"
    times = log.stat()
    log.write_text("it went\x1b[2J on\n")  # as a job that was killed for its memory leaves it: Snakemake's log tells
    os.utime(log, ns=(times.st_atime_ns, times.st_mtime_ns))
    done = run("aurl", "status", ok=False)
    assert "    it went [2J on\n" in done.stdout
    assert states(look(micro))["embeddings micro_hmdb"] == "failed"
    (micro / "params.yaml").write_text(preset_text("micro"))
    run("snakemake", "--", "results/micro/embeddings/micro_ucf.safetensors")
    assert states(look(micro))["embeddings micro_ucf"] == "done"


@pytest.mark.workflow
def test_colours_only_on_a_terminal_without_no_color(finished_micro: Path) -> None:
    assert "\x1b[32m" in on_terminal(finished_micro, "aurl", "status")
    assert "\x1b" not in on_terminal(finished_micro, "aurl", "status", NO_COLOR="1")
    watched = on_terminal(finished_micro, "aurl", "status", "--watch", "0.1", size=(8, 40))
    assert "experiment micro: " in watched
    assert "frames_index" in watched
    assert "evaluate" not in watched, "what does not fit is cut, so that the beginning stays"
    lines = runner(finished_micro)("aurl", "status", "--watch").stdout.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("micro: done; of 53 jobs 53 done")
    assert "not both" in runner(finished_micro)("aurl", "status", "--watch", "--json", ok=False).stderr


def test_it_is_fast_and_imports_nothing_heavy(tmp_path: Path) -> None:
    """All of `mini`, nothing made: under a second after the imports."""
    with chdir(tmp_path):
        jobs = Jobs(load_preset("mini"))
        began = time.monotonic()
        overview = survey(jobs)
        assert time.monotonic() - began < 1
        assert not list(tmp_path.iterdir())
    assert overview.state == "waiting"
    assert len(overview.jobs) > 90
    assert "not known for ingest, manifest, " in as_text(overview, time.time())
    script = "import sys, aurl.cli.group, aurl.operate.status, aurl.operate.status_report; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "dvc", "snakemake", "pandas", "matplotlib"} & set(loaded)


def test_missing_data_is_told(tmp_path: Path) -> None:
    with chdir(tmp_path):
        jobs = Jobs(load_preset("paper"))
        text = as_text(survey(jobs), 0)
    assert "missing data\n  kinetics700: no folder datasets/kinetics700\n" in text.replace("\x1b[1m", "").replace(
        "\x1b[0m", ""
    )


def test_remaining_time_by_hand(tmp_path: Path) -> None:
    """Two finished trainings of 10 and 20 s: one that waits takes 15 s, one that has run 5 s another 10 s."""
    with chdir(tmp_path):
        jobs = Jobs(load_preset("mini"))
        trained = [job for job in jobs.all() if job.stage.name == "train"]
        statuses = [
            JobStatus(trained[0], "done", "", None, 10.0),
            JobStatus(trained[1], "done", "", None, 20.0),
            JobStatus(trained[2], "waiting", "", None, None),
            JobStatus(trained[3], "running", "", Holder(1, 995.0), None),
            JobStatus(trained[4], "running", "", Holder(2, 900.0), None),  # longer than expected: 0 s left
            JobStatus(jobs.of("tables"), "waiting", "", None, None),
        ]
    left = Overview("mini", statuses, None, {}).remaining(1000.0)
    assert left is not None
    assert left.seconds == pytest.approx((15 + 10 + 0) / 2)
    assert left.at_once == 2
    assert left.unknown == ("tables",)


def test_asking_for_a_lock_neither_takes_nor_makes_it(tmp_path: Path) -> None:
    artefact, folder = tmp_path / "x", tmp_path / "locks"
    assert maker(artefact, folder) is None
    assert not folder.exists()
    with exclusive(artefact, folder):
        holder = maker(artefact, folder)
        assert holder is not None
        assert holder.pid == os.getpid()
        assert abs(holder.since - time.time()) < 5
    assert maker(artefact, folder) is None
    assert living_run(folder) is None
    script = (
        "import sys; from pathlib import Path; from aurl.system.locks import forget_dead_run, living_run;"
        "folder = Path(sys.argv[1]); print(living_run(folder).pid)"
    )
    forget_dead_run(tmp_path, folder)
    told = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True)
    assert int(told.stdout) == os.getpid()


def test_last_lines_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_lines(log, 3) == []
    log.write_bytes(b"x" * 100_000 + b"\nerste \xff\n\n \nlast \x1b[31m\x07line\n")
    assert last_lines(log, 2) == ["erste \ufffd", "last  [31m line"]


@contextmanager
def background(folder: Path, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in a repository; it and the jobs that it started are killed at the end."""
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment_of(folder), stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        kill_jobs(folder)


def kill_jobs(folder: Path) -> None:
    """Kill the processes that work in a folder."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").resolve() == folder.resolve() and int(entry.name) != os.getpid():
                os.kill(int(entry.name), signal.SIGKILL)
        except (OSError, ValueError):
            continue


def wait(folder: Path, condition: Any, seconds: float = 60) -> dict[str, Any]:
    """Poll the status until the condition holds."""
    deadline = time.monotonic() + seconds
    while True:
        found = look(folder)
        if condition(found):
            return found
        assert time.monotonic() < deadline, (folder / "output.txt").read_text()[-3000:]
        time.sleep(0.1)

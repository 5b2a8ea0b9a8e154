"""Running a stage of a bundle again, with its own code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bundles import RESULTS, read_files, rewrite_records, write_files
from repositories import runner

from aurl.audit.bundle.commit import Commit
from aurl.audit.bundle.container import Container
from aurl.audit.bundle.rerun import arguments_of, environment, jobs_to_run, rerun, unpack_code
from aurl.audit.bundle.verify import verify
from aurl.experiment.presets import load_preset
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.paths import ResultPaths
from aurl.report.compare_files import compare_files
from aurl.system.errors import AurlError

AURL = Path(sys.executable).with_name("aurl")
MICRO = load_preset("micro")


def test_a_stage_is_run_again_with_the_code_of_the_bundle(micro_bundle: Path, tmp_path: Path) -> None:
    """And only after a yes."""
    command = [AURL, "verify", "--quick", micro_bundle, "--rerun", "evaluate", "--cell", "aurl,micro_ucf"]
    command += ["--python", sys.executable]
    asked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, input="n\n")
    assert asked.returncode == 1
    assert "runs the code of" in asked.stderr
    assert "1/2" not in asked.stderr
    done = subprocess.run([*command, "--yes"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1/2 evaluate aurl 0 micro_ucf\n2/2 collect\n" in done.stderr
    assert "2 of 2 results have equal bytes" in done.stdout
    assert "metrics.csv is identical" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_results_that_do_not_come_out_again_are_named(micro_bundle: Path, tmp_path: Path) -> None:
    files = read_files(micro_bundle)
    name = f"{RESULTS}metrics.csv"
    rows = [line.split(",") for line in files[name].decode().splitlines()]
    place = rows[0].index("top1")
    for row in rows[1:]:
        row[place] = "99.000000"
    files[name] = "".join(f"{','.join(row)}\n" for row in rows).encode()
    rewrite_records(files)
    verdict = verify(write_files(tmp_path / "forged.zip", files), quick=True)
    outcome = rerun(verdict, "collect", compare_files, python=Path(sys.executable), show=lambda line: None)
    assert not outcome.agrees
    assert outcome.lines[-1] == "metrics.csv does not agree"
    assert any("99.00 in the bundle" in line for line in outcome.lines)


def test_nothing_is_run_where_the_records_do_not_agree(micro_bundle: Path, tmp_path: Path) -> None:
    files = read_files(micro_bundle)
    files["code/aurl/cli/__main__.py"] = b"open('executed', 'w')\n"
    bundle = write_files(tmp_path / "planted.zip", files)
    with pytest.raises(AurlError, match="nothing of it is run: code do not agree"):
        rerun(verify(bundle, quick=True), "collect", compare_files, python=Path(sys.executable))
    with pytest.raises(AurlError, match="no such stage or table; known: ingest"):
        rerun(verify(bundle, quick=True), "nothing", compare_files)


def test_jobs_before_a_stage_are_run_where_their_results_are_not_here(tmp_path: Path) -> None:
    jobs = Jobs(MICRO, ResultPaths("micro", tmp_path))
    for job in jobs.all():
        for path in job.made:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def stages(stage: str, cell: str | None = None) -> list[str]:
        return [job.stage.name for job in jobs_to_run(jobs, stage, cell)]

    assert stages("statistics") == ["statistics"]
    assert stages("features", "aurl,micro_ucf") == ["features", "evaluate", "collect"]
    for job in jobs.all():
        for name, path in job.outputs.items():
            if name in ("checkpoint", "shard", "shard_index"):
                path.unlink()
    got = stages("features", "aurl,micro_ucf")
    assert got == [*["frames"] * 3, "train", "features", "evaluate", "collect"], "the other results are here"
    everything = stages("ablation")
    assert everything[0] == "ingest"
    assert everything[-1] == "tables"
    assert everything.count("train") == 5
    with pytest.raises(AurlError, match="no job of this stage"):
        jobs_to_run(jobs, "external", None)


def test_a_jobs_command_has_its_wildcards() -> None:
    jobs = Jobs(MICRO)
    assert arguments_of(jobs.of("evaluate", variant="aurl", seed=0, dataset="micro_ucf")) == [
        "--variant", "aurl", "--seed", "0", "micro_ucf",
    ]  # fmt: skip
    assert arguments_of(jobs.of("frames", dataset="micro_ucf", shard=0)) == ["micro_ucf", "--shard", "0"]
    assert arguments_of(jobs.of("collect")) == []


def test_links_of_the_code_stay_inside(micro_bundle: Path, tmp_path: Path) -> None:
    container = Container(micro_bundle)
    commit = json.loads(container.read("commit.json"))
    unpack_code(container, Commit(**commit), tmp_path / "good")
    assert os.readlink(tmp_path / "good/aurl/data") == "../data"
    for links in ({"aurl/passwd": "/etc/passwd"}, {"aurl/up": "../../other"}, {"../up": "x"}):
        with pytest.raises(AurlError, match="leaves the folder"):
            unpack_code(container, Commit(**commit | {"links": links}), tmp_path / f"bad{len(str(links))}")


def test_an_environment_is_made_of_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **options: object) -> "subprocess.CompletedProcess[str]":
        ran.append(command)
        return subprocess.CompletedProcess(command, int("broken" in command[-1]), "", "no such package")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(AurlError, match="no requirements.lock"):
        environment(tmp_path, tmp_path / "environment", lambda line: None)
    (tmp_path / "requirements.lock").write_text("# nothing\n")
    assert environment(tmp_path, tmp_path / "environment", lambda line: None) == tmp_path / "environment/bin/python"
    assert ran[0][1:] == ["-m", "venv", str(tmp_path / "environment")]
    assert ran[1][1:] == ["-m", "pip", "install", "--quiet", "-r", str(tmp_path / "requirements.lock")]
    with pytest.raises(AurlError, match="no environment could be made \\(no such package\\)"):
        environment(tmp_path, tmp_path / "broken", lambda line: None)


def test_metrics_of_several_seeds_agree_within_what_the_seeds_explain(tmp_path: Path) -> None:
    def written(name: str, values: list[float]) -> Path:
        rows = [f"aurl,{seed},d,1,1,{value:.6f},,9.0,9.0,,,4.0,4" for seed, value in enumerate(values)]
        head = "variant,seed,dataset,clips,splits,top1,top1_std,top5,class_top1,closeness,dispersion,videos,classes"
        (tmp_path / name).write_text("\n".join([head, *rows, ""]))
        return tmp_path / name

    old = written("old.csv", [40, 42, 44])
    assert compare_files(old, old) == (["metrics.csv is identical"], True)
    assert compare_files(old, written("near.csv", [41, 43, 45])) == (
        ["metrics.csv agrees within what the seeds explain"], True,
    )  # fmt: skip
    lines, agrees = compare_files(old, written("far.csv", [60, 62, 64]))
    assert (agrees, lines[-1]) == (False, "metrics.csv does not agree")


def test_audit_and_verify_show_the_same_chain(finished_micro: Path, micro_bundle: Path) -> None:
    audited = runner(finished_micro)("aurl", "audit", "metrics", "--cell", "aurl,micro_ucf").stdout.splitlines()[:-1]
    chain = verify(micro_bundle, "aurl,micro_ucf", quick=True).chain
    assert [line.removesuffix("  (not in the bundle)") for line in chain] == [
        line for line in audited if not line.startswith("note")
    ]

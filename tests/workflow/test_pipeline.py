"""The whole chain through Snakemake and DVC, on real encoded files."""

import csv
import json
import os
import re
import shutil
import statistics
import sys
from collections import Counter
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
import yaml
from repositories import runner
from runs import digests, edit, planned

from aurl.experiment.presets import preset_names, preset_text
from aurl.experiment.read import load_experiment
from aurl.pipeline.code import code_of
from aurl.pipeline.jobs import WIRING, Jobs
from aurl.pipeline.stages import LISTS, STAGES
from aurl.system.processes import JOB_SERVER

pytestmark = pytest.mark.workflow

VECTORS = "datasets/GoogleNews-vectors-negative300.bin.gz"
CLASSES = {"kinetics700": "kinetics700", "ucf101": "UCF-101", "hmdb51": "hmdb51"}


@pytest.mark.end_to_end
def test_micro_runs_to_its_tables(finished_micro: Path) -> None:
    results = finished_micro / "results" / "micro"
    with (results / "metrics.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == (5 + 1) * 1 * 2 * 2 * 4  # variants and the row of a method
    assert {row["variant"] for row in rows} == {"mse", "ls", "ls_e2e", "aurl", "aurl_no_cg", "eszsl"}
    for name in ("ablation", "sota"):
        for extension in ("csv", "md", "tex", "html"):
            assert (results / "tables" / f"{name}.{extension}").stat().st_size > 500
    assert (results / "figures" / "ablation.png").read_bytes().startswith(b"\x89PNG")
    table = (results / "tables" / "ablation.md").read_text()
    assert "numbers mean nothing" in table
    assert re.search(r"^\| Chance .* 14\.3 .* 16\.7 ", table, re.MULTILINE), "7 and 6 classes"
    oracle = re.search(r"^\| Oracle \(true factors\) .* (\d+\.\d) .* (\d+\.\d) ", table, re.MULTILINE)
    assert oracle is not None
    assert min(map(float, oracle.groups())) > 75
    assert not list(finished_micro.rglob(".*.tmp"))
    assert not (results / "resume").exists() or not any((results / "resume").rglob("*.safetensors"))


@pytest.mark.end_to_end
def test_summary_shows_methods_below_the_networks(finished_micro: Path) -> None:
    with (finished_micro / "results/micro/tables/methods.csv").open(newline="") as handle:
        (row,) = (row for row in csv.DictReader(handle) if row["Method"] == "eszsl")
    names = [f"{label}{end}" for label in ("UCF-like", "HMDB-like") for end in (" top-1", ", CSLS with seen videos")]
    lines = runner(finished_micro)("aurl", "summary").stdout.splitlines()
    at = lines.index(f"{row['Group']}:")
    assert lines[at + 4].split() == ["eszsl", *(f"{float(row[name]):.1f}" for name in names)]


@pytest.mark.end_to_end
def test_summary_prints_table_files_and_times(finished_micro: Path) -> None:
    text = runner(finished_micro)("aurl", "summary", "--all").stdout
    assert re.search(r"^AURL w/o CG ", text, re.MULTILINE)
    assert "results/micro/metrics.csv" in text
    assert re.search(r"^train +5 +[\d.]+ s +[\d.]+ s +[\d.]+ MB$", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 80


def test_a_finished_run_becomes_the_reference_that_it_agrees_with(micro: Path) -> None:
    run, reference = runner(micro), micro / "docs/reference/micro"
    assert run("aurl", "summary").stdout.endswith("\nno reference for this experiment\n")
    written = run("aurl", "compare", "--save").stdout.split()
    assert sorted(written) == sorted(str(path.relative_to(micro)) for path in reference.iterdir())
    assert (reference / "metrics.csv").read_bytes() == (micro / "results/micro/metrics.csv").read_bytes()
    about = yaml.safe_load((reference / "reference.yaml").read_text())
    head = run("git", "rev-parse", "HEAD").stdout.strip()
    assert (about["experiment"], about["commit"], about["machine"]["threads"]) == ("micro", head, 1)
    agrees = "agrees with the reference docs/reference/micro: metrics.csv is equal to the byte\n"
    assert run("aurl", "summary").stdout.endswith(agrees)
    assert run("aurl", "compare").stdout.endswith(agrees)
    assert about["machine"]["cpu"] in run("aurl", "compare").stdout.replace("\n           ", " ")
    assert "equal to the byte" in run("aurl", "compare", "results/micro").stdout.replace("\n", " ")
    edit(micro / "params.yaml", "epochs: 2", "epochs: 3")
    assert "training.epochs 2 -> 3" in run("aurl", "compare", ok=False).stderr
    assert "run 'snakemake'" in run("aurl", "compare", "--save", ok=False).stderr
    edit(micro / "params.yaml", "epochs: 3", "epochs: 2")
    metrics = micro / "results/micro/metrics.csv"
    metrics.write_text(re.sub(r"(aurl,0,micro_ucf,1,1),[\d.]+", r"\1,99.000000", metrics.read_text()))
    done = run("aurl", "compare", ok=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        1, "differs from the reference docs/reference/micro in 1 of 24 rows"
    )  # fmt: skip
    assert "changed since its job wrote it" in run("aurl", "compare", "--save", ok=False).stderr


@pytest.mark.end_to_end
def test_second_run_and_dvc_find_nothing_to_do(finished_micro: Path) -> None:
    run = runner(finished_micro)
    assert planned(run) == Counter()
    assert json.loads(run("dvc", "status", "--json").stdout) == {}
    assert "train@micro-aurl-0" in run("dvc", "dag").stdout
    assert "top1" in run("dvc", "metrics", "show").stdout
    assert "nothing has changed" in run("aurl", "record").stdout
    changed = {line.split()[-1] for line in run("git", "status", "--porcelain").stdout.splitlines()}
    assert changed == {"dvc.lock", "params.yaml"}, "git sees the lock, not the results"


@pytest.mark.end_to_end
def test_provenance_chain_reaches_from_table_to_videos(finished_micro: Path) -> None:
    """Each block's input digests are the output digests of the blocks before it."""
    blocks = [json.loads(path.read_text()) for path in (finished_micro / "results/micro/provenance").rglob("*.json")]
    made = {path: digest for block in blocks for path, digest in block["outputs"].items()}
    stages = {block["identity"]["stage"] for block in blocks}
    assert stages == set(STAGES) - {"import_weights", "external", "generalised"}, "micro trains all of its networks"
    for block in blocks:
        assert set(block["identity"]["settings"]) == {WIRING} | {
            key.format(seen="micro_seen", **block["identity"]["wildcards"])
            for key in STAGES[block["identity"]["stage"]].settings
        }
        for path, digest in block["identity"]["inputs"].items():
            if path.startswith("results/"):
                assert made[path] == digest, path
    todo, reached = ["results/micro/tables/ablation.csv"], set()
    producer = {path: block for block in blocks for path in block["outputs"]}
    while todo:
        path = todo.pop()
        if path not in reached and path.startswith("results/"):
            reached.add(path)
            todo += producer[path]["identity"]["inputs"]
    assert {"results/micro/datasets/micro_ucf.csv", "results/micro/checkpoints/mse/seed0.safetensors"} <= reached


@pytest.mark.end_to_end
def test_short_jobs_are_forked_and_count_their_own_time_alone(finished_micro: Path) -> None:
    """A process that imports torch takes more than a second; a served job starts with it (`aurl/cli/job_server.py`)."""
    assert (finished_micro / ".snakemake/aurl/job_server.log").read_bytes() == b""
    blocks = (finished_micro / "results/micro/provenance/metrics").rglob("*.json")
    costs = [json.loads(path.read_text())["circumstance"] for path in blocks]
    assert [cost["forked"] for cost in costs] == [True] * 10
    assert 0 < statistics.median(cost["cpu_seconds"] for cost in costs) < 0.8
    assert min(cost["seconds"] for cost in costs) > 0, "from the start of its command"
    assert min(cost["peak_memory_bytes"] for cost in costs) > 100 << 20, "with the modules that all jobs share"


def test_a_fresh_clone_plans_everything(repository: Path) -> None:
    run = runner(repository)
    run("git", "checkout", "-q", "params.yaml")
    plan = planned(run)
    assert plan["train"] == 18
    assert plan["features"] == plan["evaluate"] == 36
    assert plan["frames"] == 5
    assert planned(run, "--", "results/mini/checkpoints/aurl/seed0.safetensors")["train"] == 1


def test_changing_one_variant_reruns_that_variant_alone(micro: Path) -> None:
    run = runner(micro)
    edit(micro / "params.yaml", "ls: {losses: {seen: 1}", "ls: {losses: {seen: 2}")
    expected = Counter(train=1, features=2, evaluate=2, collect=1, statistics=1, tables=1, figures=1, report=1)
    assert planned(run) == expected
    assert "variants.ls.losses.seen" in run("dvc", "params", "diff").stdout
    before = digests(micro / "results/micro")
    run("snakemake")
    after = digests(micro / "results/micro")
    changed = {name for name in after if after[name] != before.get(name)}
    assert {name.split("/")[1] for name in changed if name.startswith(("checkpoints", "features", "metrics/"))} == {
        "ls"
    }
    assert "checkpoints/ls/seed0.safetensors" in changed
    assert before.keys() == after.keys()
    stale = json.loads(run("dvc", "status", "--json").stdout)
    assert {name for name in stale if name.startswith("train")} == {"train@micro-ls-0"}
    run("aurl", "record")
    assert json.loads(run("dvc", "status", "--json").stdout) == {}
    assert planned(run) == Counter()


def test_settings_that_shape_no_result_rerun_nothing(micro: Path) -> None:
    edit(micro / "params.yaml", "absent: error", "absent: leave_out")
    assert planned(runner(micro)) == Counter()


def test_limits_of_decoding_decide_which_videos_are_readable(micro: Path) -> None:
    edit(micro / "params.yaml", "timeout_seconds: 60", "timeout_seconds: 61")
    plan = planned(runner(micro))
    assert (plan["manifest"], plan["frames"]) == (3, 4)


def test_report_settings_rerun_only_the_report(micro: Path) -> None:
    edit(micro / "params.yaml", "title: AURL on", "title: A test of AURL on")
    assert planned(runner(micro)) == Counter(tables=1, figures=1, report=1)


def test_changed_code_reruns_its_stage_alone(micro: Path) -> None:
    with (micro / "aurl/report/drawing/draw.py").open("a") as handle:
        handle.write("# a remark\n")
    assert planned(runner(micro)) == Counter(figures=1, report=1)
    with (micro / "aurl/training/optimizer.py").open("a") as handle:
        handle.write("# a remark\n")
    plan = planned(runner(micro))
    assert plan["train"] == 5
    assert plan["manifest"] == plan["frames"] == 0


def test_dvc_reproduces_a_single_stage(micro: Path) -> None:
    run = runner(micro)
    before, recorded = digests(micro / "results/micro"), (micro / "dvc.lock").read_text()
    edit(micro / "params.yaml", "generated ones)\n    losses: {seen: 1,", "generated ones)\n    losses: {seen: 3,")
    run("dvc", "repro", "--single-item", "train@micro-aurl_no_cg-0")
    changed = {name for name, content in digests(micro / "results/micro").items() if content != before.get(name)}
    # the number of steps and classes, and so the description, may stay the same; the weights may not
    assert "checkpoints/aurl_no_cg/seed0.safetensors" in changed
    assert all(name.startswith("checkpoints/aurl_no_cg/") for name in changed)
    assert "train@micro-aurl_no_cg-0" not in json.loads(run("dvc", "status", "--json").stdout)
    assert planned(run)["train"] == 0
    locks = (recorded, (micro / "dvc.lock").read_text())
    before_repro, after_repro = (set(re.split(r"^  (?=\S)", lock, flags=re.M)) for lock in locks)
    changed = {stage.partition(":")[0] for stage in before_repro ^ after_repro}
    assert changed == {"train@micro-aurl_no_cg-0"}, "DVC writes all others as 'aurl record' does"


def test_record_refuses_unfinished_and_hand_edited_results(micro: Path) -> None:
    run = runner(micro)
    metrics = micro / "results/micro/metrics/aurl/seed0/micro_ucf.json"
    original = metrics.read_text()
    times = metrics.stat()
    metrics.write_text(re.sub(r'"top1": [\d.]+', '"top1": 99.0', original, count=1))
    os.utime(metrics, ns=(times.st_atime_ns, times.st_mtime_ns))  # Snakemake sees no change
    refused = run("aurl", "record", ok=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith("aurl: error: ")
    assert "results/micro/metrics/aurl/seed0/micro_ucf.json" in refused.stderr
    metrics.unlink()
    run("dvc", "checkout", "--quiet", str(metrics.relative_to(micro)))
    assert metrics.read_text() == original
    (micro / "results/micro/tables/ablation.md").unlink()
    assert "not finished" in run("aurl", "record", ok=False).stderr


def test_switching_experiments_keeps_lineage_and_results(micro: Path) -> None:
    run = runner(micro)
    before = digests(micro / "results/micro")
    told = run("aurl", "use", "mini", "--all").stdout
    assert "~ experiment: micro -> mini" in told
    assert planned(run)["train"] == 18
    run("aurl", "use", "micro")
    assert digests(micro / "results/micro") == before
    assert planned(run) == Counter()
    assert json.loads(run("dvc", "status", "--json").stdout) == {}
    edit(micro / "params.yaml", "ls: {losses: {seen: 1}", "ls: {losses: {seen: 2}")
    edited = (micro / "params.yaml").read_text()
    kept = re.search(r"your edited params.yaml is kept as (\S+)", run("aurl", "use", "mini").stdout)
    assert kept
    assert (micro / kept[1]).read_text() == edited
    assert digests(micro / "results/micro") == before
    assert (
        "unknown preset 'nano'; known: methods, micro, mini, paper, samples, ucf101"
        in run("aurl", "use", "nano", ok=False).stderr
    )


def test_clone_and_sync_need_no_retraining(micro: Path, tmp_path: Path) -> None:
    run = runner(micro)
    remote = tmp_path / "remote"
    run("dvc", "remote", "add", "--default", "store", str(remote))
    run("dvc", "push", "--quiet")
    run("git", "add", "-A")
    run("git", "-c", "user.name=t", "-c", "user.email=t@e.org", "commit", "-qm", "record")
    run("git", "clone", "-q", str(micro), str(tmp_path / "clone"))
    clone = runner(tmp_path / "clone")
    assert planned(clone)["train"] == 5
    clone("aurl", "sync")
    assert planned(clone) == Counter()
    assert digests(tmp_path / "clone/results/micro") == digests(micro / "results/micro")


def test_two_runs_give_the_same_bytes(finished_micro: Path, repository: Path) -> None:
    """The second one without a job server: each of its jobs is a new process."""
    runner(repository)("env", f"{JOB_SERVER}=none", "snakemake", "--", "results/micro/metrics.csv")
    first, second = (digests(folder / "results/micro") for folder in (finished_micro, repository))
    assert [name for name in second if second[name] != first[name]] == []


@pytest.mark.parametrize("preset", preset_names())
def test_dvc_yaml_is_the_snakemake_dag(repository: Path, preset: str) -> None:
    """Each DVC stage's outputs are those of a set of jobs, its deps the inputs of that set from outside it."""
    for name, folder in CLASSES.items():
        (repository / "datasets" / folder / name).mkdir(parents=True)
    (repository / VECTORS).touch()
    edit_all = preset_text(preset).replace("$AURL_REALVIDEO", "datasets")
    (repository / "params.yaml").write_text(edit_all)
    run = runner(repository)
    jobs = snakemake_jobs(repository)
    stages = json.loads(run(sys.executable, "-c", DVC_STAGES).stdout)
    external = [f"datasets/{folder}" for folder in CLASSES.values()]
    claimed = set()
    for name, stage in stages.items():
        members = [job for job in jobs if all(under(path, stage["outs"]) for path in job["output"])]
        assert members, f"{name}: no job makes {stage['outs']}"
        made = {path for job in members for path in job["output"]}
        assert not claimed & made
        claimed |= made
        assert all(any(under(path, [out]) for path in made) for out in stage["outs"]), name
        needed = {path for job in members for path in job["input"] if path not in made and not under(path, external)}
        needed = {path for path in needed if not under(path, stage["outs"])}
        assert all(under(path, stage["deps"]) for path in needed), (name, needed)
        rules = {job["rule"] for job in members}
        every_part = {path for rule in rules for path in code_of(STAGES[rule])}  # DVC cannot name the parts of one job
        any_protocols = LISTS.shipped  # DVC depends on them whichever protocols are chosen
        others = [dep for dep in stage["deps"] if dep not in every_part and dep not in any_protocols]
        if "figures" in rules:  # the curves of held-out videos lie there, where there are any
            others.remove(f"results/{preset}/metrics")
        assert every_part == {path for path in stage["deps"] if path.startswith("aurl/")}, name
        assert all(any(under(path, [dep]) for path in needed) for dep in others), (name, others)
        keys = {
            key for job in members for key in job["settings"] if key != WIRING
        }  # dvc.yaml itself says where files are
        assert sorted(keys) == sorted(stage["params"]), name
        assert rules <= set(stage["cmd"].split(" -- ")[0].split()), name
        assert stage["cmd"].split(" -- ")[1] in made
    assert claimed == {path for job in jobs for path in job["output"]}
    assert jobs_of_package(repository) == jobs_of_rules(jobs, external)
    variants = yaml.safe_load((repository / "params.yaml").read_text())["variants"]
    assert {f"train@{preset}-{variant}-0" for variant in variants} <= set(stages)


def test_jobs_without_data_are_those_of_the_rules(repository: Path) -> None:
    """Nothing is here; then the test sets and the vectors are, and published weights."""
    run = runner(repository)
    run("aurl", "use", "paper", "--force")
    jobs = snakemake_jobs(repository)
    assert {job["rule"] for job in jobs} == {"collect", "statistics", "tables", "figures", "report"}
    assert jobs_of_package(repository) == jobs_of_rules(jobs, [])
    for name in ("ucf101", "hmdb51"):
        (repository / "datasets" / CLASSES[name] / name).mkdir(parents=True)
    for file in (VECTORS, "aurl.pth"):
        (repository / file).touch()
    edit(repository / "params.yaml", "imported: {}", f"imported: {{aurl: {{file: aurl.pth, sha256: {'a' * 64}}}}}")
    edit(repository / "params.yaml", "trained: [mse, ls, ls_e2e, aurl, ", "trained: [mse, ls, ls_e2e, ")
    jobs = snakemake_jobs(repository)
    rules = Counter(job["rule"] for job in jobs)
    assert rules["import_weights"] == 1
    assert rules["features"] == rules["evaluate"] == rules["ingest"] == rules["manifest"] == 2
    assert not rules["train"]
    assert not rules["seen_classes"]
    assert jobs_of_package(repository) == jobs_of_rules(jobs, ["datasets/UCF-101", "datasets/hmdb51"])
    stages = json.loads(run(sys.executable, "-c", DVC_STAGES).stdout)
    assert "import_weights@paper-aurl-0" in stages
    assert "train@paper-aurl-0" not in stages
    made = {path for job in jobs for path in job["output"] if job["rule"] == "import_weights"}
    assert made == set(stages["import_weights@paper-aurl-0"]["outs"])


def test_the_papers_tables_build_without_its_data(repository: Path) -> None:
    run = runner(repository)
    run("aurl", "use", "paper", "--force")
    run("snakemake")
    table = (repository / "results/paper/tables/ablation.md").read_text()
    assert re.search(r"^\| AURL .*44\.4.*27\.4", table, re.MULTILINE)
    assert "Missing: kinetics700 (no folder datasets/kinetics700); ucf101" in table
    with (repository / "results/paper/tables/ablation.csv").open(newline="") as handle:
        rows = {row["Method"]: row for row in csv.DictReader(handle)}
    assert rows["AURL"]["UCF101 top-1"] == ""
    assert rows["AURL"]["UCF101 top-1 published"] == "44.4"
    assert rows["AURL, the authors' predictions"]["UCF101 top-1"] == "44.391892"
    assert rows["AURL, the authors' predictions"]["HMDB51 top-1"] == "27.372155"
    page = (repository / "results/paper/report.html").read_text()
    assert "UCF101: nothing was measured." in page
    assert "No dataset is available." in page
    figures = json.loads((repository / "results/paper/figures/index.json").read_text())
    assert {figure["caption"] for figure in figures} == {"Nothing was measured yet."}
    assert planned(run) == Counter()
    shutil.move(repository / "results/paper", repository / "elsewhere")
    edit(repository / "params.yaml", "absent: leave_out", "absent: error")
    refused = run("snakemake", ok=False)
    assert "datasets.kinetics700.source.folder: there is no folder" in refused.stdout + refused.stderr
    assert not (repository / "results/paper/tables").exists()


DVC_STAGES = """
import json
from dvc.repo import Repo
with Repo(".") as repo:
    print(json.dumps({
        stage.addressing: {
            "cmd": stage.cmd,
            "outs": [out.def_path for out in stage.outs],
            "deps": [dep.def_path for dep in stage.deps if type(dep).__name__ == "Dependency"],
            "params": [key for dep in stage.deps if type(dep).__name__ == "ParamsDependency" for key in dep.params],
        } for stage in repo.index.stages if stage.cmd
    }))
"""


def snakemake_jobs(repository: Path) -> list[dict[str, Any]]:
    return list(
        json.loads(runner(repository)(sys.executable, "tests/helpers/snakemake_jobs.py").stdout.splitlines()[-1])
    )


def jobs_of_rules(jobs: list[dict[str, Any]], external: list[str]) -> dict[frozenset[str], set[str]]:
    """Outputs -> inputs of every job of the rules, without code, blocks and the folders of videos."""
    return {
        frozenset(path for path in job["output"] if "/provenance/" not in path): {
            path for path in job["input"] if not path.startswith("aurl/") and not under(path, external)
        }
        for job in jobs
    }


def jobs_of_package(repository: Path) -> dict[frozenset[str], set[str]]:
    """Outputs -> inputs of every job, as the commands and the audit know them."""
    with chdir(repository):
        experiment = load_experiment(Path("params.yaml"))
        jobs = Jobs(experiment)
    return {frozenset(map(str, job.made)): set(map(str, job.depends)) for job in jobs.all()}


def under(path: str, folders: list[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)

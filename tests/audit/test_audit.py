"""The audit against a list of attacks, each with the level that must find it and its root finding; and honest cases."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from repositories import Runner, runner
from runs import edit, own_dataset

from aurl.audit.audit import Audit
from aurl.experiment.read import load_experiment
from aurl.pipeline.jobs import Jobs
from aurl.system.digests import Digests

pytestmark = pytest.mark.workflow
RESULTS = Path("results/micro")
METRICS = RESULTS / "metrics/aurl/seed0/micro_ucf.json"
FEATURES = RESULTS / "features/aurl/seed0/micro_ucf.safetensors"
CHECKPOINT = RESULTS / "checkpoints/aurl/seed0.safetensors"


def audit(run: Runner, *arguments: str) -> dict[str, Any]:
    """The audit's JSON; the exit status must fit its verdict."""
    done = run("aurl", "audit", "--json", *(arguments or ("--all",)), ok=False)
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["agree"] else 1)
    return report


def roots(report: dict[str, Any]) -> list[tuple[str, str]]:
    """(kind, subject) of every root finding."""
    return [(f["kind"], f["subject"]) for job in report["jobs"] for f in job["findings"] if f["root"]]


def forge_metric(path: Path) -> None:
    path.write_text(re.sub(r'"top1": [\d.]+', '"top1": 99.0', path.read_text(), count=1))


def rewrite_block(artefact: Path) -> None:
    """Let an artefact's block tell the digest of what lies there now."""
    block = RESULTS / "provenance" / artefact.relative_to(RESULTS).with_name(artefact.name + ".json")
    content = json.loads(block.read_text())
    for path in content["outputs"]:
        if Path(path).is_file():
            content["outputs"][path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    block.write_text(json.dumps(content))


def flip_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def commit(run: Runner, *stages: str) -> None:
    run("dvc", "commit", "-f", "-q", "--no-relink", *stages)


def metric_edited(run: Runner) -> None:
    forge_metric(METRICS)


def metric_edited_and_committed(run: Runner) -> None:
    forge_metric(METRICS)
    commit(run, "evaluate@micro-aurl-0-micro_ucf")


def metric_and_block_edited_and_committed(run: Runner) -> None:
    forge_metric(METRICS)
    rewrite_block(METRICS)
    commit(run, "evaluate@micro-aurl-0-micro_ucf")


def metric_forged_with_everything_after(run: Runner) -> None:
    metric_and_block_edited_and_committed(run)
    run("snakemake", "--forcerun", "collect")
    commit(run)


def other_checkpoint(run: Runner) -> None:
    run("aurl", "train", "--variant", "aurl", "--seed", "1")
    other = CHECKPOINT.with_name("seed1.safetensors")
    shutil.copy(other, CHECKPOINT)
    for leftover in RESULTS.rglob("seed1.*"):
        leftover.unlink()


def other_checkpoint_committed(run: Runner) -> None:
    other_checkpoint(run)
    commit(run, "train@micro-aurl-0")


def checkpoint_forged_with_everything_after(run: Runner) -> None:
    other_checkpoint(run)
    rewrite_block(CHECKPOINT)
    embedded = [str(RESULTS / f"features/aurl/seed0/{dataset}.safetensors") for dataset in ("micro_ucf", "micro_hmdb")]
    run("snakemake", "--forcerun", *embedded, "--", "all")
    commit(run)


def features_replaced(run: Runner) -> None:
    shutil.copy(RESULTS / "features/aurl_no_cg/seed0/micro_ucf.safetensors", FEATURES)


def features_and_metrics_replaced_and_committed(run: Runner) -> None:
    features_replaced(run)
    shutil.copy(RESULTS / "metrics/aurl_no_cg/seed0/micro_ucf.json", METRICS)
    commit(run)


def video_replaced(run: Runner) -> None:
    videos = sorted((RESULTS / "datasets/micro_ucf").rglob("*.avi"))
    shutil.copy(videos[0], videos[-1])


def bit_in_shard(run: Runner) -> None:
    flip_bit(RESULTS / "frames/micro_ucf/shards/0.jpegs")


def bit_in_checkpoint(run: Runner) -> None:
    flip_bit(CHECKPOINT)


def bit_in_cache(run: Runner) -> None:
    md5 = hashlib.md5(CHECKPOINT.read_bytes()).hexdigest()
    flip_bit(Path(".dvc/cache/files/md5") / md5[:2] / md5[2:])


def cache_lost(run: Runner) -> None:
    md5 = hashlib.md5(CHECKPOINT.read_bytes()).hexdigest()
    (Path(".dvc/cache/files/md5") / md5[:2] / md5[2:]).unlink()


def parameter_changed(run: Runner) -> None:
    edit(Path("params.yaml"), "formula\n    losses: {seen: 1,", "formula\n    losses: {seen: 2,")


def code_changed(run: Runner) -> None:
    with Path("aurl/losses/synthetic.py").open("a") as handle:
        handle.write("# another version\n")


def lock_edited(run: Runner) -> None:
    text = Path("dvc.lock").read_text()
    md5 = hashlib.md5(METRICS.read_bytes()).hexdigest()
    Path("dvc.lock").write_text(text.replace(md5, "0" * 32))


def clock_set_back(run: Runner) -> None:
    audit(run)  # fills the cache of digests
    times = METRICS.stat()
    text = METRICS.read_text()
    digit = re.search(r'"top1": (\d)', text)
    assert digit
    METRICS.write_text(text[: digit.start(1)] + str((int(digit[1]) + 1) % 10) + text[digit.end(1) :])
    os.utime(METRICS, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert METRICS.stat().st_size == times.st_size


def table_typed(run: Runner) -> None:
    edit(RESULTS / "tables/ablation.md", "| AURL ", "| OURS ")


def table_typed_and_covered_up(run: Runner) -> None:
    table_typed(run)
    rewrite_block(RESULTS / "tables/ablation.csv")
    commit(run, "tables@micro")


def copied_from_another_experiment(run: Runner) -> None:
    """The results of micro under another name, with other parameters."""
    shutil.copytree(RESULTS, "results/copied")
    for block in Path("results/copied/provenance").rglob("*.json"):
        block.write_text(block.read_text().replace("results/micro/", "results/copied/"))
    edit(Path("params.yaml"), "experiment: micro", "experiment: copied")
    edit(Path("params.yaml"), "epochs: 2", "epochs: 3")


def copied_and_committed(run: Runner) -> None:
    copied_from_another_experiment(run)
    commit(run)


def result_missing(run: Runner) -> None:
    FEATURES.unlink()


def block_missing(run: Runner) -> None:
    (RESULTS / "provenance/features/aurl/seed0/micro_ucf.safetensors.json").unlink()


@dataclass(frozen=True)
class Attack:
    """What is done, the root finding that must show, and the level that shows it (nothing below does)."""

    do: Callable[[Runner], None]
    kind: str
    subject: str
    level: tuple[str, ...] = ()
    found_below: bool = True


ATTACKS = [
    Attack(metric_edited, "changed", str(METRICS)),
    Attack(metric_edited_and_committed, "changed", str(METRICS)),
    Attack(metric_and_block_edited_and_committed, "forged", str(METRICS), ("--deep",)),
    Attack(metric_forged_with_everything_after, "forged", str(METRICS), ("--deep",), False),
    Attack(other_checkpoint, "changed", str(CHECKPOINT)),
    Attack(other_checkpoint_committed, "changed", str(CHECKPOINT)),
    Attack(
        checkpoint_forged_with_everything_after, "forged", str(CHECKPOINT), ("--deep", "--retrain", "aurl"), False
    ),
    Attack(features_replaced, "changed", str(FEATURES)),
    Attack(features_and_metrics_replaced_and_committed, "changed", str(FEATURES)),
    Attack(video_replaced, "changed", str(RESULTS / "datasets/micro_ucf")),
    Attack(bit_in_shard, "changed", str(RESULTS / "frames/micro_ucf/shards/0.jpegs")),
    Attack(bit_in_checkpoint, "changed", str(CHECKPOINT)),
    Attack(bit_in_cache, "not cached", str(CHECKPOINT)),
    Attack(cache_lost, "not cached", str(CHECKPOINT)),
    Attack(parameter_changed, "stale parameters", "seed0.safetensors.json: variants.aurl"),
    Attack(code_changed, "stale code", "seed0.safetensors.json: aurl/losses/synthetic.py"),
    Attack(lock_edited, "unrecorded", str(METRICS)),
    Attack(clock_set_back, "changed", str(METRICS)),
    Attack(table_typed, "changed", str(RESULTS / "tables/ablation.md")),
    Attack(table_typed_and_covered_up, "forged", str(RESULTS / "tables/ablation.md")),
    Attack(copied_from_another_experiment, "unrecorded", "results/copied/datasets/micro_seen.csv"),
    Attack(copied_and_committed, "stale parameters", "copied/provenance/checkpoints/aurl/seed0.safetensors.json: training"),
    Attack(result_missing, "missing", str(FEATURES)),
    Attack(block_missing, "unrecorded", "provenance/features/aurl/seed0/micro_ucf.safetensors.json"),
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.do.__name__)
def test_every_attack_is_found_by_its_root(micro: Path, attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(micro)
    run = runner(micro)
    attack.do(run)
    if attack.level:
        assert audit(run)["agree"] != attack.found_below
    found = roots(audit(run, "--all", *attack.level))
    assert any(kind == attack.kind and subject.endswith(attack.subject) for kind, subject in found), found


def test_an_honest_experiment_agrees_at_every_level(finished_micro: Path, tmp_path: Path) -> None:
    run = runner(finished_micro)
    assert audit(run, "--all", "--deep", "--retrain", "ls")["agree"]
    assert audit(run, "--all", "--no-cache")["agree"]
    page = tmp_path / "audit.html"
    text = run("aurl", "audit", "ablation", "--cell", "aurl,micro_ucf", "--html", str(page)).stdout
    for word in (METRICS, FEATURES, CHECKPOINT, RESULTS / "datasets/micro_seen.csv", "tau = 0.05", "all agree"):
        assert str(word) in text
    assert "features/ls/" not in text, "only what stands behind the cell"
    assert "All agree" in page.read_text()


def test_a_table_is_traced_to_all_of_its_data_and_wrong_cells_are_named(finished_micro: Path) -> None:
    run = runner(finished_micro)
    report = audit(run, "sota")
    stages = [job["stage"] for job in report["jobs"]]
    assert stages.count("train") == 5
    assert "figures" not in stages
    assert "no such cell" in run("aurl", "audit", "--cell", "aurl,nowhere", ok=False).stderr
    assert "unknown table" in run("aurl", "audit", "nothing", ok=False).stderr


def test_touched_and_regenerated_results_agree(micro: Path) -> None:
    run = runner(micro)
    for path in (micro / RESULTS).rglob("*"):
        path.touch()
    assert audit(run)["agree"]
    run("snakemake", "--forcerun", "evaluate")
    found = roots(audit(run))
    assert set(found) <= {("unrecorded", f"{RESULTS}/report.html")}, "equal bytes are the same; the page holds times"
    run("aurl", "record")
    assert audit(run)["agree"]


def test_a_clone_on_another_path_agrees_after_sync(micro: Path, tmp_path: Path) -> None:
    run = runner(micro)
    run("dvc", "remote", "add", "--default", "store", str(tmp_path / "remote"))
    run("dvc", "push", "--quiet")
    run("git", "add", "-A")
    run("git", "-c", "user.name=t", "-c", "user.email=t@e.org", "commit", "-qm", "record")
    clone = tmp_path / "else where"
    run("git", "clone", "-q", str(micro), str(clone))
    other = runner(clone)
    other("aurl", "sync")
    assert audit(other)["agree"]
    assert "git's working tree" not in " ".join(audit(other)["notes"])
    (clone / "README.md").write_text("changed")
    report = audit(other)
    assert report["agree"], "an uncommitted tree is a note, not a finding"
    assert "uncommitted" in report["notes"][0]


def test_two_experiments_side_by_side_agree(micro: Path) -> None:
    run = runner(micro)
    params = micro / "params.yaml"
    second = yaml.safe_load(params.read_text())
    second["experiment"], second["variants"] = "second", {"ls": second["variants"]["ls"]}
    second |= {"trained": ["ls"], "evaluated": ["ls"], "methods": {}}
    second["backbone_features"]["networks"] = []
    first = params.read_text()
    params.write_text(yaml.safe_dump(second, sort_keys=False))
    run("snakemake")
    run("aurl", "record")
    assert audit(run)["agree"]
    params.write_text(first)
    assert audit(run)["agree"]


def test_a_video_that_stays_in_its_own_folder_is_held_by_its_digest(
    micro: Path, corpus: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(micro)
    videos = own_dataset(micro, corpus)
    edit(micro / "params.yaml", "versioned: true", "versioned: false")
    runner(micro)("aurl", "ingest", "micro_hmdb")
    experiment = load_experiment(Path("params.yaml"))
    job = Jobs(experiment).of("ingest", dataset="micro_hmdb")

    def kinds() -> dict[str, str]:
        report = Audit(experiment, Digests(None)).run([job])
        return {
            finding.subject: finding.kind for finding, _ in report.findings() if finding.subject.startswith("videos/")
        }

    assert kinds() == {}
    shutil.copy(corpus["h264"], videos / "red circle/video.avi")
    (videos / "blue square/video.avi").unlink()
    assert kinds() == {"videos/red circle/video.avi": "changed", "videos/blue square/video.avi": "missing"}


def test_rerun_of_one_stage_shows_before_and_after(micro: Path) -> None:
    run = runner(micro)
    same = run("aurl", "rerun", "train", "--variant", "ls", "--seed", "0").stdout
    assert "stage 'train': 1 job run again; 0 of" in same
    assert same.endswith("top-1: no number changed\n")
    edit(micro / "params.yaml", "ls: {losses: {seen: 1}", "ls: {losses: {seen: 9}")
    told = run("aurl", "rerun", "train", "--variant", "ls", "--all").stdout
    changed = re.findall(r"^  (results/\S+):", told, re.MULTILINE)
    assert "results/micro/checkpoints/ls/seed0.safetensors" in changed
    assert {path.split("/")[3] for path in changed if path.split("/")[2] in ("checkpoints", "features", "metrics")} == {
        "ls"
    }
    assert re.search(r"\| ls +\| +0 \| micro_(ucf|hmdb) +\|", told)
    assert re.search(r"^ablation table: Base w/ L_S, .*: [\d.]+ -> [\d.]+$", told, re.MULTILINE)
    *_, last = told.splitlines()
    assert last.startswith(("Base w/ L_S ", "top-1: no number changed")), "before and after, last"
    assert "unknown stage 'tain'; did you mean 'train'?" in run("aurl", "rerun", "tain", ok=False).stderr
    assert "has no job with" in run("aurl", "rerun", "train", "--variant", "none", ok=False).stderr


def test_history_tells_what_changed_behind_a_cell(micro: Path) -> None:
    run = runner(micro)
    identity = ("-c", "user.name=t", "-c", "user.email=t@e.org")
    run("git", "add", "-A")
    run("git", *identity, "commit", "-qm", "first")
    edit(micro / "params.yaml", "ls: {losses: {seen: 1}", "ls: {losses: {seen: 2}")
    run("snakemake")
    run("aurl", "record")
    run("git", *identity, "commit", "-qam", "second")
    told = run("aurl", "history", "ls,0,micro_ucf").stdout
    lines = told.splitlines()
    assert lines[0].endswith("first")
    value = json.loads((micro / RESULTS / "metrics/ls/seed0/micro_ucf.json").read_text())["clips1"]["splits1"]["top1"]
    assert f" {value:.6f}  second" in lines[1]
    assert "parameter variants.ls" in lines[2]
    assert re.fullmatch(rf"top1: [\d.]+ at first, {value:.2f} now \(2 commits\)", lines[-1])
    unchanged = run("aurl", "history", "mse,0,micro_ucf,3,10,closeness").stdout
    assert len(unchanged.splitlines()) == 1
    assert "is no cell" in run("aurl", "history", "mse", ok=False).stderr
    assert "in no dvc.lock" in run("aurl", "history", "mse,7,micro_ucf", ok=False).stderr

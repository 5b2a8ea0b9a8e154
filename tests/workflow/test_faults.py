"""Bad input gets one clear line and harms nothing; killed runs complete when started again."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from repositories import Runner, runner
from runs import digests, edit, failing_run, own_dataset

pytestmark = pytest.mark.workflow

KILLED_RULES = ["ingest", "manifest", "frames", "embeddings", "train", "features", "evaluate", "tables"]


def one_line(run: Runner, *command: str) -> str:
    """Run a command that must fail; returns its single line of error."""
    done = run(*command, ok=False)
    assert done.returncode == 1, done
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1, lines
    assert lines[0].startswith("aurl: error: ")
    assert "Traceback" not in done.stdout + done.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            ["train", "--variant", "foo", "--seed", "0"],
            ["unknown variant 'foo'", "known: mse, ls, ls_e2e, aurl, aurl_no_cg"],
        ),
        (["manifest", "foo"], ["unknown dataset 'foo'", "known: micro_seen"]),
        (["render", "micro_ucf"], ["'aurl render' is now 'aurl ingest'", "aurl ingest micro_ucf"]),
        (["frames", "micro_ucf", "--shard", "3"], ["--shard 3", "has 1 shards"]),
        (["use", "foo"], ["unknown preset 'foo'", "known: methods, micro, mini, paper, samples, ucf101"]),
        (["--params", "none.yaml", "summary"], ["none.yaml: no such file", "aurl use"]),
        (["summary"], ["results/micro/tables/ablation.md: not written yet", "snakemake"]),
        (["evaluate", "--variant", "ls", "--seed", "0", "micro_ucf"], ["features/ls/seed0/micro_ucf", "no such file"]),
    ],
)
def test_commands_name_what_is_wrong(repository: Path, command: list[str], words: list[str]) -> None:
    line = one_line(runner(repository), "aurl", *command)
    for word in words:
        assert word in line


def test_help_names_every_stage(repository: Path) -> None:
    text = runner(repository)("aurl", "--help").stdout
    for command in ("ingest", "manifest", "frames", "embeddings", "seen-classes", "train", "features"):
        assert f"  {command} " in text
    assert runner(repository)("aurl", "train", ok=False).returncode == 2


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "  batch_size: 6",
            "  batchsize: 6",
            "params.yaml: training.batchsize: unknown key; did you mean 'batch_size'?",
        ),
        ("tau: 0.05", "tau: -1", "params.yaml: semantics.tau = -1: must be at least 0"),
        ("seeds: [0]", "seeds: []", "params.yaml: seeds"),
    ],
)
def test_a_wrong_experiment_stops_before_anything_runs(micro: Path, old: str, new: str, words: str) -> None:
    before = digests(micro / "results/micro")
    edit(micro / "params.yaml", old, new)
    assert words in failing_run(runner(micro))
    assert words in one_line(runner(micro), "aurl", "summary")
    assert digests(micro / "results/micro") == before


@pytest.mark.parametrize("kind", ["zero_bytes", "truncated_avi", "truncated_mp4", "audio_only", "no_video"])
def test_a_broken_video_is_named_and_finished_results_stay(micro: Path, corpus: dict[str, Path], kind: str) -> None:
    run = runner(micro)
    videos = own_dataset(micro, corpus)
    bad = videos / "red circle" / f"it's a $(bad) one{corpus[kind].suffix}"
    shutil.copy(corpus[kind], bad)
    before = digests(micro / "results/micro")
    seen = failing_run(run)
    assert f"{bad.name}: " in seen
    assert "datasets.micro_hmdb.broken" in seen
    after = digests(micro / "results/micro")
    assert {name for name in before if after.get(name) != before[name] and not name.startswith("datasets/")} == set()
    if kind == "zero_bytes":  # mended, it runs through
        bad.unlink()
        time.sleep(0.01)
        run("snakemake", "--", "results/micro/manifests/micro_hmdb.csv")


def test_an_empty_class_and_a_missing_folder_are_named(micro: Path, corpus: dict[str, Path]) -> None:
    run = runner(micro)
    videos = own_dataset(micro, corpus)
    (videos / "green ring").mkdir()
    assert "videos/green ring: the class has no video file" in failing_run(run)
    shutil.rmtree(videos)
    before = digests(micro / "results/micro")
    edit(micro / "params.yaml", "folder: videos,", "folder: nowhere,")
    edit(micro / "params.yaml", "versioned: true", "versioned: false")
    assert "micro_hmdb.source.folder: there is no folder 'nowhere'" in failing_run(run)
    assert digests(micro / "results/micro") == before


def test_unknown_words_are_listed_or_drop_their_class(micro: Path, corpus: dict[str, Path]) -> None:
    run = runner(micro)
    videos = own_dataset(micro, corpus)
    (videos / "red circle").rename(videos / "red qqzx zzyx")
    assert "red qqzx zzyx: qqzx, zzyx" in failing_run(run)
    shutil.copytree(videos / "blue square", videos / "green ring")
    edit(micro / "params.yaml", "missing: error", "missing: drop_class")
    run("snakemake", "--", "results/micro/tables/ablation.md")
    table = (micro / "results/micro/tables/ablation.md").read_text()
    assert "classes dropped for unknown words: red qqzx zzyx (qqzx zzyx)" in table
    assert "tested on 2 videos of 2 classes" in table


@pytest.mark.parametrize(
    ("mend", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-500]), "googlenews_action_subset.bin: damaged or cut short"),
        (lambda path: shutil.copy(path.parent / "glove100_action_subset.bin", path), "the vectors have 100 dimensions"),
    ],
)
def test_wrong_vectors_are_named(micro: Path, mend: object, words: str) -> None:
    before = digests(micro / "results/micro")
    mend(micro / "data/googlenews_action_subset.bin")  # type: ignore[operator]
    assert words in failing_run(runner(micro))
    assert digests(micro / "results/micro") == before


def test_a_full_disk_is_named_and_loses_nothing(micro: Path) -> None:
    """Features on a file system of 256 KiB: the retraining runs, then the disk is full."""
    target = micro / "results/micro/features/ls"
    before = digests(target)
    disk = target.with_name("disk")
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        shutil.copytree(target, disk, dirs_exist_ok=True, copy_function=shutil.copy2)
        shutil.rmtree(target)
        target.symlink_to(disk)
        used = sum(4096 * -(-path.stat().st_size // 4096) for path in disk.rglob("*") if path.is_file())
        (disk / "fill").write_bytes(bytes(256 * 1024 - used - 8192))
        edit(micro / "params.yaml", "  batch_size: 8", "  batch_size: 7")
        again = [f"results/micro/features/ls/seed0/{name}.safetensors" for name in ("micro_ucf", "micro_hmdb")]
        seen = failing_run(runner(micro), *again)
        assert "No space left on device" in seen
        assert "finished results are untouched" in seen
        assert {name: content for name, content in digests(disk).items() if name != "fill"} == before
        (disk / "fill").unlink()
        runner(micro)("snakemake", "--", *again)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def start(folder: Path) -> "subprocess.Popen[str]":
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.Popen(
        ["snakemake", "--printshellcmds"], cwd=folder, env=environment, stdout=subprocess.DEVNULL, text=True,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


def kill_when_running(folder: Path, rule: str, whole_group: bool) -> bool:
    """Start the run and SIGKILL it shortly after a job of the rule began; False if it ended before."""
    process = start(folder)
    assert process.stderr is not None
    for line in process.stderr:
        if re.match(rf"(local)?rule {rule}:", line):
            time.sleep(0.4)
            if whole_group:
                os.killpg(process.pid, signal.SIGKILL)
            else:  # its jobs live on, and the next run must not write beside them
                process.kill()
            process.wait()
            return True
    process.wait()
    return False


@pytest.mark.faults  # tests/workflow/test_fault_injection.py has a sample
def test_a_run_killed_in_every_stage_completes(repository: Path, finished_micro: Path) -> None:
    killed = [
        rule
        for number, rule in enumerate(KILLED_RULES)
        if kill_when_running(repository, rule, whole_group=number % 2 == 0)
    ]
    assert killed == KILLED_RULES
    runner(repository)("snakemake")
    found, expected = (digests(folder / "results/micro") for folder in (repository, finished_micro))
    assert found.keys() - expected.keys() == set()
    assert {name for name in expected if found[name] != expected[name]} <= {"report.html"}, "the page holds times"


def test_two_runs_at_once_do_not_mix(micro: Path, finished_micro: Path) -> None:
    shutil.rmtree(micro / "results/micro/features")
    (micro / "results/micro/metrics.csv").unlink()
    first = start(micro)
    assert first.stderr is not None
    for line in first.stderr:
        if "rule features" in line:
            break
    drain = threading.Thread(target=first.stderr.read)
    drain.start()
    second = runner(micro)("snakemake", ok=False)
    assert second.returncode != 0
    assert "lock" in (second.stdout + second.stderr).lower()
    assert first.wait(timeout=300) == 0
    drain.join()
    metrics = "results/micro/metrics.csv"
    assert (micro / metrics).read_bytes() == (finished_micro / metrics).read_bytes()

"""Under every fault: nothing finished is lost or changed, what is made again is told, and the end result is the same.

`make test-faults` runs all of it (minutes), and writes its figures; the tests without the mark run with the others.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from faults import (
    BreakingProxy,
    Figures,
    finished,
    flip,
    forget,
    kill,
    mounted,
    results,
    small_disk,
    start,
    still,
    workers_of,
)
from repositories import Runner, environment_of, runner
from runs import edit, failing_run, own_dataset, planned

from aurl.lineage.recorded import TOGETHER_SECONDS

pytestmark = pytest.mark.workflow

SEED = 7
STAGES = [
    "ingest", "manifest", "embeddings", "seen_classes", "frames", "frames_index", "train", "features", "evaluate",
    "collect", "statistics", "tables", "figures", "report",
]  # fmt: skip
KINDS = ["worker", "snakemake", "group"]
METRICS = "results/micro/metrics.csv"
SHARD = "results/micro/frames/micro_seen/shards/0.jpegs"
CHECKPOINT = "results/micro/checkpoints/ls/seed0.safetensors"


@pytest.fixture
def figures() -> Figures:
    return Figures()


@pytest.fixture
def began() -> float:
    return time.monotonic()


def schedule(number: int) -> list[tuple[str, str]]:
    """(stage, kind) of so many kills, over all stages in the order of the data, the kinds mixed and equally frequent."""
    draw = random.Random(SEED)
    kinds = (KINDS * number)[:number]
    draw.shuffle(kinds)
    chosen = sorted((STAGES * number)[:number], key=STAGES.index)
    return list(zip(chosen, kinds, strict=True))


def same(folder: Path, expected: Path) -> None:
    """The results are those of the undisturbed run, byte for byte, and nothing is left to do."""
    assert (folder / METRICS).read_bytes() == (expected / METRICS).read_bytes()
    found, wanted = results(folder), results(expected)
    assert found.keys() - wanted.keys() == set()
    assert [name for name in wanted if found.get(name) != wanted[name]] == []
    assert planned(runner(folder)) == Counter()


def remove(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / "results/micro" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_killed_at_thirty_moments(repository: Path, finished_micro: Path, figures: Figures, began: float) -> None:
    """SIGKILL of a worker, of Snakemake alone and of everything, over all stages of a run from nothing."""
    draw = random.Random(SEED)
    kills = []
    for stage, kind in schedule(30):
        if not planned(runner(repository))[stage]:  # the run before went past it
            forget(repository, STAGES[STAGES.index(stage) :])
        before = finished(repository)
        until = ["--until", stage] if kind == "worker" else []  # the run survives it
        while not (running := kill(repository, stage, kind, draw, *until)):
            forget(repository, STAGES[STAGES.index(stage) :])
            before = finished(repository)
        kills.append({"stage": stage, "kind": kind, "running": running})
        print(f"{stage}: {kind} killed while {running} ran", flush=True)
        assert still(repository, before) == before, "something finished was lost or changed"
    runner(repository)("snakemake")
    same(repository, finished_micro)
    counts = Counter(entry["kind"] for entry in kills)
    for kind in KINDS:
        figures.add(f"SIGKILL of {kind}", counts[kind], "same results", (time.monotonic() - began) / 3,
                    kills=[entry for entry in kills if entry["kind"] == kind])  # fmt: skip


def test_a_few_kills(micro: Path, finished_micro: Path) -> None:
    """A sample of the above: one kill of each kind while features, metrics and their collection are made again."""
    draw = random.Random(SEED)
    remove(micro, "features/ls/seed0/micro_ucf.safetensors", "metrics/ls/seed0/micro_ucf.json", "metrics.csv")
    before = finished(micro)
    for stage, kind in (("features", "group"), ("features", "worker"), ("evaluate", "snakemake")):
        assert kill(micro, stage, kind, draw, "--", METRICS)
        assert still(micro, before) == before
    runner(micro)("snakemake", "--", METRICS)
    same(micro, finished_micro)


@pytest.mark.faults
def test_record_killed_at_random_moments(micro: Path, figures: Figures, began: float) -> None:
    run, draw = runner(micro), random.Random(SEED)
    (micro / "dvc.lock").unlink()
    shutil.rmtree(micro / ".dvc/cache")
    before = results(micro)
    for _ in range(6):
        recording = subprocess.Popen(["aurl", "record"], cwd=micro, env=environment_of(micro), start_new_session=True,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        time.sleep(draw.uniform(1.0, 8.0))
        if recording.poll() is None:
            os.killpg(recording.pid, signal.SIGKILL)
        recording.wait()
    run("aurl", "record")
    assert results(micro) == before
    assert run("aurl", "audit", "--all", "--no-cache").stdout.endswith("all agree\n")
    figures.add("SIGKILL of aurl record", 6, "same results, recorded by the next call", time.monotonic() - began)


DISKS = {
    "frames": ("frames/micro_seen/shards", ["frames/micro_seen/shards/0.jpegs", "frames/micro_seen/shards/0.safetensors"],
               "frames/micro_seen/shards/0.jpegs"),
    "checkpoint": ("checkpoints/ls", ["checkpoints/ls/seed0.safetensors"], "checkpoints/ls/seed0.safetensors"),
    "features": ("features/ls", ["features/ls/seed0/micro_ucf.safetensors"], "features/ls/seed0/micro_ucf.safetensors"),
}  # fmt: skip


@pytest.mark.faults
@pytest.mark.parametrize("stage", DISKS)
def test_disk_full(micro: Path, finished_micro: Path, figures: Figures, began: float, stage: str) -> None:
    folder, removed, target = DISKS[stage]
    wanted = ["snakemake", "--", f"results/micro/{target}"]
    with small_disk(micro / "results/micro" / folder, room=8192) as filler:
        remove(micro, *removed)
        free = os.statvfs(filler)
        with filler.open("ab") as handle:
            handle.write(bytes(max(0, free.f_bavail * free.f_frsize - 8192)))
        before = finished(micro)
        failed = runner(micro)(*wanted, ok=False)
        seen = failed.stdout + failed.stderr
        assert failed.returncode != 0
        assert "No space left on device" in seen
        assert "finished results are untouched" in seen
        assert "Traceback" not in seen
        assert still(micro, before) == before
        filler.unlink()
        runner(micro)(*wanted)
    same(micro, finished_micro)
    figures.add(f"disk full during {stage}", 1, "named; same results after making room", time.monotonic() - began)


@pytest.mark.faults
def test_disk_full_during_record(micro: Path, figures: Figures, began: float) -> None:
    run = runner(micro)
    edit(micro / "params.yaml", "title: AURL on", "title: Another AURL on")
    run("snakemake")
    before, lock = results(micro), (micro / "dvc.lock").read_bytes()
    with small_disk(micro / ".dvc/cache", room=8192) as filler:
        failed = run("aurl", "record", ok=False)
        assert failed.returncode == 1
        assert "No space left on device" in failed.stderr
        assert "Traceback" not in failed.stderr
        assert (micro / "dvc.lock").read_bytes() == lock
        assert results(micro) == before
        filler.unlink()
        run("aurl", "record")
    assert run("aurl", "audit", "--all").stdout.endswith("all agree\n")
    figures.add("disk full during record", 1, "named; recorded after making room", time.monotonic() - began)


@pytest.mark.faults
def test_read_only_results(micro: Path, finished_micro: Path, figures: Figures, began: float) -> None:
    run, folder = runner(micro), micro / "results/micro"
    with mounted(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        run("snakemake")  # nothing to do: nothing is written
        run("aurl", "audit", "--all")
    remove(micro, "metrics.csv")
    with mounted(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        before = finished(micro)
        assert "results/micro: not writable" in failing_run(run)
        assert still(micro, before) == before
    run("snakemake")
    same(micro, finished_micro)
    figures.add("results read-only", 2, "named; same results when writable again", time.monotonic() - began)


def test_a_damaged_shard_is_refused_and_can_be_restored(micro: Path, finished_micro: Path) -> None:
    """A sample of the below; even where the file's time does not tell."""
    time.sleep(TOGETHER_SECONDS + 0.5)  # this copy is new, so are its files' times of change
    flip(micro / SHARD, keep_time=True)
    before = results(micro)
    for arguments in (["--dry-run"], []):
        refused = runner(micro)("snakemake", *arguments, ok=False)
        assert refused.returncode != 0
        assert f"aurl: error: {SHARD}: damaged" in refused.stderr
        assert f"dvc checkout --force {SHARD}" in refused.stderr
    assert results(micro) == before, "nothing is repaired silently"
    runner(micro)("dvc", "checkout", "--quiet", "--force", SHARD)
    same(micro, finished_micro)


def test_damaged_inputs_are_refused(micro: Path) -> None:
    """A command of its own, without the look that Snakemake takes before a run."""
    flip(micro / SHARD)
    before = results(micro)
    refused = runner(micro)("aurl", "train", "--variant", "ls", "--seed", "0", ok=False)
    assert refused.returncode == 1
    assert f"{SHARD}: damaged" in refused.stderr
    (micro / SHARD).unlink()
    refused = runner(micro)("aurl", "train", "--variant", "ls", "--seed", "0", ok=False)
    assert "snakemake --forcerun frames_index" in refused.stderr
    assert {**results(micro), SHARD.removeprefix("results/micro/"): ""} == {
        **before,
        SHARD.removeprefix("results/micro/"): "",
    }


def test_a_deleted_result_is_planned_and_record_refuses(micro: Path) -> None:
    """Also one that only finished jobs read, of which Snakemake alone would say nothing; `aurl status` agrees."""
    run, metrics = runner(micro), micro / "results/micro/metrics/ls/seed0/micro_ucf.json"
    metrics.unlink()
    assert planned(run) == Counter(evaluate=1, collect=1, tables=1, figures=1, report=1)
    assert "is not finished" in run("aurl", "record", ok=False).stderr
    (micro / CHECKPOINT).unlink()
    assert planned(run)["train"] == 1
    waiting = [job for job in json.loads(run("aurl", "status", "--json").stdout)["jobs"] if job["state"] == "waiting"]
    assert {job["stage"] for job in waiting} >= {"train", "features", "evaluate", "collect"}


DAMAGED = {
    "shard": SHARD,
    "index of a shard": SHARD.replace("jpegs", "safetensors"),
    "index of the frames": "results/micro/frames/micro_ucf/index.json",
    "manifest": "results/micro/manifests/micro_ucf.csv",
    "embeddings": "results/micro/embeddings/micro_ucf.safetensors",
    "checkpoint": CHECKPOINT,
    "features": "results/micro/features/ls/seed0/micro_ucf.safetensors",
    "metrics": "results/micro/metrics/ls/seed0/micro_ucf.json",
    "metrics.csv": METRICS,
    "figure": "results/micro/figures/ablation.png",
}


def mend(folder: Path, path: str, recorded: bool) -> None:
    """Do what the refusal says: restore the result from DVC's cache, or delete it and run Snakemake."""
    if recorded:
        runner(folder)("dvc", "checkout", "--quiet", "--force", path)
        return
    target = folder / path
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    forced = ["--forcerun", "frames"] if "/shards/" in path else []
    runner(folder)("snakemake", *forced)


@pytest.mark.faults
@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "unrecorded"])
@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_results(
    micro: Path, finished_micro: Path, figures: Figures, began: float, kind: str, recorded: bool
) -> None:
    """One byte of a finished result changes: the run refuses, and the command that it names mends the result."""
    path = DAMAGED[kind]
    if not recorded:
        shutil.rmtree(micro / ".dvc/cache")
    flip(micro / path)
    refused = runner(micro)("snakemake", ok=False)
    assert refused.returncode != 0
    assert f"aurl: error: {path}: damaged" in refused.stderr
    mend(micro, path, recorded)
    same(micro, finished_micro)
    outcome = "restored by 'dvc checkout'" if recorded else "deleted, rebuilt by 'snakemake'"
    figures.add(f"damaged {kind}, {'recorded' if recorded else 'not recorded'}", 1, f"refused; {outcome}; same results",
                time.monotonic() - began)  # fmt: skip


@pytest.mark.faults
@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "unrecorded"])
def test_damaged_videos_and_blocks(
    micro: Path, finished_micro: Path, figures: Figures, began: float, recorded: bool
) -> None:
    if not recorded:
        shutil.rmtree(micro / ".dvc/cache")
    videos = "results/micro/datasets/micro_seen"
    flip(next((micro / videos).rglob("*.mp4")))
    block = "results/micro/provenance/checkpoints/ls/seed0.safetensors.json"
    (micro / block).write_text((micro / block).read_text()[:100])
    refused = runner(micro)("snakemake", ok=False)
    for path in (videos, block):
        assert f"aurl: error: {path}: damaged" in refused.stderr
    if recorded:
        for path in (videos, block):
            mend(micro, path, recorded)
    else:
        shutil.rmtree(micro / videos)
        mend(micro, block, recorded)
    same(micro, finished_micro)
    figures.add(f"damaged video and provenance block, {'recorded' if recorded else 'not recorded'}", 1,
                "refused; same results", time.monotonic() - began)  # fmt: skip


DIE_AFTER_SAVING = """
import os, sys
from aurl.training import loop
save = loop.save_resume
def save_and_die(*arguments):
    save(*arguments)
    os.kill(os.getpid(), 9)
loop.save_resume = save_and_die
from aurl.cli import main
sys.argv[1:] = ["train", "--variant", "ls", "--seed", "0"]
main()
"""


@pytest.mark.faults
@pytest.mark.parametrize("damage", ["a byte", "the end"])
def test_damaged_resume_state(micro: Path, finished_micro: Path, figures: Figures, began: float, damage: str) -> None:
    run, state = runner(micro), micro / "results/micro/resume/ls/seed0.safetensors"
    remove(micro, "checkpoints/ls")
    run(sys.executable, "-c", DIE_AFTER_SAVING, ok=False)
    whole = state.read_bytes()
    assert "resumed after step 4" in run("snakemake", "--", CHECKPOINT).stdout
    same(micro, finished_micro)
    remove(micro, "checkpoints/ls")
    state.write_bytes(whole[:-100])
    if damage == "a byte":
        state.write_bytes(whole)
        flip(state)
    assert "training starts from the beginning" in run("snakemake", "--", CHECKPOINT).stdout
    same(micro, finished_micro)
    figures.add(f"damaged resume state ({damage})", 1, "said; trained from the beginning; same results",
                time.monotonic() - began)  # fmt: skip


def cache_objects(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / ".dvc/cache/files/md5").rglob("*") if path.is_file())


@pytest.mark.faults
def test_damaged_cache_objects(
    micro: Path, finished_micro: Path, tmp_path: Path, figures: Figures, began: float
) -> None:
    run = runner(micro)
    run("dvc", "remote", "add", "--default", "store", str(tmp_path / "remote"))
    run("dvc", "push", "--quiet")
    recorded = json.loads(
        run(
            sys.executable,
            "-c",
            f"""
import json
from aurl.lineage.dvc_lock import Lock
lock = Lock.read()
print(json.dumps([str(lock.cached(lock.md5(path))) for path in ({METRICS!r}, {CHECKPOINT!r})]))""",
        ).stdout
    )
    for name in recorded:
        flip(micro / name, keep_time=True)  # DVC itself looks at times
    assert "Nothing to be done" in run("snakemake").stderr
    same(micro, finished_micro)
    found = run("aurl", "audit", "--all", ok=False)
    assert found.returncode == 1
    assert "the cache's copy" in found.stdout
    (micro / recorded[0]).unlink()  # as the audit says, and record again
    run("aurl", "record")
    remove(micro, "metrics.csv", "checkpoints/ls/seed0.safetensors")  # now only cache and remote hold them
    told = run("aurl", "sync").stdout
    assert "1 damaged object, first" in told
    assert "were removed, to be fetched again" in told
    same(micro, finished_micro)
    flip(micro / recorded[1], keep_time=True)  # as a download that broke off leaves it,
    remove(micro, "checkpoints/ls/seed0.safetensors")
    run("dvc", "checkout", "--quiet")  # and DVC made an output of it
    assert results(micro) != results(finished_micro)
    assert "1 damaged object, first" in run("aurl", "sync").stdout
    same(micro, finished_micro)
    assert run("aurl", "audit", "--all").stdout.endswith("all agree\n")
    there = tmp_path / "remote" / Path(recorded[0]).relative_to(".dvc/cache")
    flip(there, keep_time=True)
    (micro / recorded[0]).unlink()
    remove(micro, "metrics.csv")
    refused = run("aurl", "sync", ok=False)
    assert refused.returncode == 1
    assert "damaged again and again" in refused.stderr
    figures.add("damaged objects of DVC's cache", 4, "named; fetched or recorded again; same results",
                time.monotonic() - began)  # fmt: skip


@pytest.mark.faults
def test_a_frame_extraction_that_hangs(micro: Path, corpus: dict[str, Path], figures: Figures, began: float) -> None:
    run, videos = runner(micro), own_dataset(micro, corpus)
    edit(micro / "params.yaml", "versioned: true", "versioned: false")
    edit(micro / "params.yaml", "timeout_seconds: 60", "timeout_seconds: 4")
    target = "results/micro/frames/micro_hmdb/index.json"
    run("snakemake", "--", target)
    before, video = results(micro), videos / "red circle/video.avi"
    content = video.read_bytes()
    video.unlink()
    os.mkfifo(video)  # who opens it waits for ever
    remove(micro, "frames/micro_hmdb")
    failed = run("snakemake", "--allowed-rules", "frames", "frames_index", "--", target, ok=False)
    assert failed.returncode != 0
    assert "red circle/video.avi: gave no result within" in failed.stdout + failed.stderr
    video.unlink()
    video.write_bytes(content)
    run("snakemake", "--allowed-rules", "frames", "frames_index", "--", target)
    assert results(micro) == before
    figures.add("frame extraction that hangs", 1, "killed after frames.timeout_seconds and named; same frames",
                time.monotonic() - began)  # fmt: skip


@pytest.mark.faults
def test_two_runs_at_the_same_moment(micro: Path, finished_micro: Path, figures: Figures, began: float) -> None:
    for _ in range(3):
        remove(micro, "metrics.csv", "metrics/ls")
        runs = [start(micro, "--", METRICS), start(micro, "--", METRICS)]
        ended = [begun.end() for begun in runs]
        assert 0 in ended, "neither went through"
        for begun, status in zip(runs, ended, strict=True):
            assert status == 0 or "lock" in "".join(begun.text).lower()
        same(micro, finished_micro)
    figures.add("two runs at the same moment", 3, "one refuses, the other ends; same results", time.monotonic() - began)


@pytest.mark.faults
def test_locks_left_behind(micro: Path, finished_micro: Path, figures: Figures, began: float) -> None:
    run = runner(micro)
    for name in ("0.input.lock", "0.output.lock"):
        (micro / ".snakemake/locks").mkdir(exist_ok=True)
        (micro / ".snakemake/locks" / name).write_text(f"{micro / METRICS}\n")
    for lock in ("run", "left"):
        (micro / ".snakemake/aurl/locks" / lock).write_text("999999\n")
    (micro / ".dvc/tmp").mkdir(exist_ok=True)
    for name in ("lock", "rwlock.lock"):
        (micro / ".dvc/tmp" / name).write_text("999999\n")
    held = {"write": {str(micro / METRICS): {"pid": 999999, "cmd": "dvc commit"}}, "read": {}}
    (micro / ".dvc/tmp/rwlock").write_text(json.dumps(held))
    remove(micro, "metrics.csv")
    run("snakemake", "--", METRICS)
    run("aurl", "record")
    (micro / ".dvc/tmp/rwlock").write_text(json.dumps(held)[:40])
    assert "left half-written" in run("aurl", "record").stderr
    same(micro, finished_micro)
    figures.add("locks left behind (Snakemake's, DVC's, ours)", 1, "ignored; same results", time.monotonic() - began)


@pytest.mark.faults
@pytest.mark.parametrize("shift", [-400 * 86400, -3600, 3600, 400 * 86400])
def test_the_clock_jumps(micro: Path, finished_micro: Path, figures: Figures, began: float, shift: int) -> None:
    """Files of another time under the present clock, as a clock that was set leaves them; then a wrong clock itself."""
    run = runner(micro)
    remove(micro, "metrics/ls/seed0/micro_ucf.json", "metrics.csv")
    for number, path in enumerate(sorted((micro / "results/micro").rglob("*"))):
        if number % 2:
            os.utime(path, (time.time() + shift,) * 2)
    done = run("snakemake", "--", METRICS)
    assert ("in the future" in done.stderr) == (shift > 0)
    assert "train" not in done.stderr
    same(micro, finished_micro)
    if shutil.which("faketime"):
        remove(micro, "metrics/ls/seed0/micro_ucf.json", "metrics.csv")
        # what a clock tells, without the counter that it does not set, and with the files' real times
        unset = ["env", "NO_FAKE_STAT=1", "DONT_FAKE_MONOTONIC=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
        run(*unset, "faketime", "-f", f"{shift:+d}", "snakemake", "--", METRICS)
        same(micro, finished_micro)
    figures.add(f"clock off by {shift / 3600:+.0f} h", 2 if shutil.which("faketime") else 1, "same results",
                time.monotonic() - began)  # fmt: skip


@pytest.fixture
def breaking(s3: str) -> Iterator[BreakingProxy]:
    port = urlsplit(s3).port
    assert port is not None
    proxy = BreakingProxy(port)
    yield proxy
    proxy.close()


@pytest.mark.faults
def test_the_remote_fails_half_way(
    micro: Path, finished_micro: Path, tmp_path: Path, breaking: BreakingProxy, monkeypatch: pytest.MonkeyPatch,
    figures: Figures, began: float,
) -> None:  # fmt: skip
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    run = runner(micro)
    run("dvc", "remote", "add", "--default", "store", "s3://results/dvc")
    run("dvc", "remote", "modify", "store", "endpointurl", breaking.address)
    run("git", "add", "-A")
    run("git", "-c", "user.name=t", "-c", "user.email=t@e.org", "commit", "-qm", "record")
    before, attempts = results(micro), 0
    for room in (1_000, 200_000, 1_000_000):
        breaking.allow(room)
        attempts += 1
        assert run("dvc", "push", "--quiet", ok=False).returncode != 0
        assert results(micro) == before
    breaking.allow(1 << 40)
    run("dvc", "push", "--quiet")
    run("git", "clone", "-q", str(micro), str(tmp_path / "clone"))
    clone = runner(tmp_path / "clone")
    for room in (1_000, 200_000, 1_000_000):
        breaking.allow(room)
        attempts += 1
        refused = clone("aurl", "sync", ok=False)
        assert refused.returncode == 1
        assert len(refused.stderr.splitlines()) == 1
        assert "dvc pull" in refused.stderr
    breaking.allow(1 << 40)
    clone("aurl", "sync")
    assert breaking.broken > 0
    same(tmp_path / "clone", finished_micro)
    assert clone("aurl", "audit", "--all", "--no-cache").stdout.endswith("all agree\n")
    figures.add("remote breaks off during push and pull", attempts, "refused in one line; same results when it is back",
                time.monotonic() - began)  # fmt: skip


def collect_garbage(run: Runner, ok: bool = True) -> int:
    return run("dvc", "gc", "--workspace", "--force", ok=ok).returncode


@pytest.mark.faults
def test_dvc_gc_at_the_wrong_time(micro: Path, finished_micro: Path, figures: Figures, began: float) -> None:
    """While another experiment is chosen, before a record, during a run and during a record."""
    run = runner(micro)
    run("aurl", "use", "mini")
    collect_garbage(run)
    run("aurl", "use", "micro", "--force")
    same(micro, finished_micro)
    run("aurl", "record")
    assert run("aurl", "audit", "--all").stdout.endswith("all agree\n")

    (micro / "dvc.lock").rename(micro / "lock.aside")
    collect_garbage(run)  # nothing is recorded: the whole cache goes
    assert len(cache_objects(micro)) == 0
    (micro / "lock.aside").rename(micro / "dvc.lock")
    same(micro, finished_micro)
    remove(micro, "features/ls", "metrics/ls", "metrics.csv")
    begun = start(micro, "--", METRICS)
    assert begun.wait_for("features")
    collect_garbage(run)
    assert begun.end() == 0
    same(micro, finished_micro)

    recording = subprocess.Popen(["aurl", "record"], cwd=micro, env=environment_of(micro), stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)  # fmt: skip
    while recording.poll() is None:
        collect_garbage(run, ok=False)  # refused while DVC's lock is held
    run("aurl", "record")
    same(micro, finished_micro)
    assert run("aurl", "audit", "--all").stdout.endswith("all agree\n")
    figures.add("dvc gc at the wrong time", 4, "same results; the next record fills the cache again",
                time.monotonic() - began)  # fmt: skip


def test_the_workers_of_a_process_are_found() -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "x"])
    try:
        assert workers_of(os.getpid()) == []
    finally:
        sleeper.kill()
        sleeper.wait()

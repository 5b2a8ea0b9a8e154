"""Every bad file of tests/helpers/hostile.py through the command that reads it: one line, a failing exit status, no hang,
bounded memory, nothing executed, and nothing written outside the folder."""

import contextlib
import multiprocessing
import os
import re
import resource
import stat
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import fuzz
import hostile
import media
import numpy as np
import pytest
import torch
import yaml
from repositories import REPOSITORY

from aurl.cli import main
from aurl.datasets.ingest import ingest_folder
from aurl.datasets.table import iterate_table
from aurl.experiment.presets import preset_text
from aurl.experiment.read import load_experiment
from aurl.experiment.settings import FrameSettings
from aurl.frames.extract import extract_shard
from aurl.frames.manifest import make_manifest
from aurl.frames.store import FrameStore
from aurl.frames.video import read_frames
from aurl.models.checkpoint import state_bytes
from aurl.models.shape import described_shape
from aurl.models.zero_shot import ZeroShotModel
from aurl.system.errors import AurlError
from aurl.system.isolated import Failure, _data_bytes, map_isolated
from aurl.system.json_files import write_json

MEMORY_MB, SECONDS = 768, 120  # of a command; the seconds are for a busy machine, hangs have no end
DECODER_MB = 300
FRAMES = FrameSettings(size=24, quality=90, chroma="420", timeout_seconds=30, memory_mb=512)
PRELOADED = ["torch", "gensim.models", "pandas", "scipy.stats", "safetensors.numpy", "aurl.cli", "aurl.frames.extract",
             "aurl.inference.predict", "aurl.inference.choices", "aurl.fetch.fetch", "test_hostile"]  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    output: str
    errors: str


def _child(folder: Path, arguments: tuple[str, ...]) -> None:
    """Run a command within limits; in a process of its own, which does not return."""
    os.chdir(folder)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    sys.argv, status = ["aurl", *arguments], 0
    os.environ["TMPDIR"] = str(folder / "tmp")
    torch.set_num_threads(1)
    multiprocessing.set_start_method("fork", force=True)  # as a command of its own has it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData:"))
    most = (int(line.split()[1]) << 10) + (MEMORY_MB << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    fuzz.forbid_writes_outside(folder)
    try:
        main()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
        status = 99
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run(folder: Path, *arguments: str) -> Ended:
    """Run `aurl` in a folder."""
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    needed = [str(REPOSITORY), str(REPOSITORY / "tests/helpers")]  # where the server finds its modules
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, [*needed, *path])))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_child, args=(folder, arguments))
    process.start()
    process.join(SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        pytest.fail(f"aurl {' '.join(arguments)}: no end within {SECONDS} s")
    assert process.exitcode is not None
    return Ended(process.exitcode, *((folder / name).read_text(errors="replace") for name in ("stdout", "stderr")))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder in which commands run: the repository's code and data by links, a small checkpoint, `params.yaml`."""
    folder = tmp_path / "place"
    (folder / "tmp").mkdir(parents=True)
    (folder / "data").mkdir()
    for path in (REPOSITORY / "data").iterdir():
        (folder / "data" / path.name).symlink_to(path)
    (folder / "aurl").symlink_to(REPOSITORY / "aurl")
    raw = yaml.safe_load(preset_text("micro"))
    raw["frames"] |= {"memory_mb": DECODER_MB, "timeout_seconds": 30}
    raw["datasets"]["micro_ucf"] |= {"source": {"folder": "videos"}, "tokens": "words", "broken": "leave_out"}
    (folder / "params.yaml").write_text(yaml.safe_dump(raw))
    torch.manual_seed(0)
    (folder / "seed0.safetensors").write_bytes(
        state_bytes(ZeroShotModel(described_shape(hostile.DESCRIPTION["model"])))
    )
    frames = {"size": 24, "quality": 90, "chroma": "420"}
    write_json(
        folder / "seed0.json", {**hostile.DESCRIPTION, "frames": frames, "variant": "x", "seed": 0, "classes": None}
    )
    return folder


def written(folder: Path) -> set[str]:
    """Every path below a folder but what a command is given or prints."""
    paths = {str(path.relative_to(folder)) for path in folder.rglob("*")} - {"stdout", "stderr", "tmp"}
    return {path for path in paths if not path.startswith(".snakemake") and ".locks" not in path}


def refused(ended: Ended, words: str) -> None:
    """Assert that a command ended with one line that says the words; a line of a YAML file and a caret may follow."""
    assert ended.status not in (0, 99), ended.errors
    lines = ended.errors.splitlines()
    assert len(lines) == 1 or (len(lines) == 3 and lines[2].strip() == "^"), ended.errors[:3000]
    assert all(line.isprintable() for line in lines)
    assert lines[0].startswith("aurl: error: ")
    assert lines[0].isprintable()
    assert len(lines[0]) < 20_000
    assert re.search(words, lines[0]), lines[0][:2000]


def check(place: Path, kind: hostile.Kind, *arguments: str) -> None:
    """Give a bad file to a command, which must refuse it and leave nothing behind."""
    file = place / kind[0]
    file.write_bytes(hostile.content(kind))
    before = written(place)
    refused(run(place, *(str(file) if argument == "FILE" else argument for argument in arguments)), kind[2])
    assert not {path for path in written(place) - before if not (place / path).is_dir()}


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    assert sum(map(len, hostile.GROUPS.values())) >= 100
    assert len(hostile.VIDEOS) >= 20


@pytest.mark.parametrize("kind", hostile.YAMLS)
def test_bad_params(place: Path, kind: str) -> None:
    check(place, hostile.YAMLS[kind], "--params", "FILE", "summary")


@pytest.mark.parametrize(
    "kind", [kind for kind in hostile.YAMLS if hostile.YAMLS[kind][2] != "expected a mapping"][:16]
)
def test_bad_sources(place: Path, kind: str) -> None:
    (place / "data/sources.yaml").unlink()
    bad = ("data/sources.yaml", hostile.YAMLS[kind][1], r"sources\.yaml")
    check(place, bad, "fetch", "hmdb51", "--to", "fetched")


@pytest.mark.parametrize("kind", hostile.CHECKPOINTS)
def test_bad_published_weights(place: Path, kind: str) -> None:
    check(place, hostile.CHECKPOINTS[kind], "import-weights", "FILE", "--variant", "aurl")


@pytest.mark.parametrize("kind", hostile.DESCRIPTIONS)
def test_bad_descriptions(place: Path, kind: str) -> None:
    (place / "w.npy").write_bytes(hostile._npy(np.zeros((2, 300), np.float32)))
    check(place, hostile.DESCRIPTIONS[kind], "encode", "--checkpoint", "seed0.safetensors", "--vectors", "w.npy",
          "--output", "out.npz")  # fmt: skip


@pytest.mark.parametrize("kind", hostile.ARRAYS)
def test_bad_arrays(place: Path, kind: str) -> None:
    check(
        place,
        hostile.ARRAYS[kind],
        "encode",
        "--checkpoint",
        "seed0.safetensors",
        "--vectors",
        "FILE",
        "--output",
        "o.npz",
    )


@pytest.mark.parametrize("kind", hostile.VECTORS)
def test_bad_vectors(place: Path, kind: str) -> None:
    experiment = yaml.safe_load((place / "params.yaml").read_text())
    experiment["semantics"]["encoder"] |= {"vectors": hostile.VECTORS[kind][0], "dimension": 3}
    (place / "params.yaml").write_text(yaml.safe_dump(experiment))
    (place / "results/micro/manifests").mkdir(parents=True)
    (place / "results/micro/manifests/micro_ucf.csv").write_text(hostile.HEADER + hostile.ROW)
    check(place, hostile.VECTORS[kind], "embeddings", "micro_ucf")


@pytest.mark.parametrize("kind", hostile.TABLES)
def test_bad_manifests(place: Path, kind: str) -> None:
    (place / "results/micro/manifests").mkdir(parents=True)
    _, content, words = hostile.TABLES[kind]
    words = words if kind != "a class of a megabyte" else "field larger|words that|too large"
    (place / "m.csv").touch()
    check(place, ("results/micro/manifests/micro_ucf.csv", content, words), "embeddings", "micro_ucf")


@pytest.mark.parametrize("kind", hostile.NAMES)
def test_bad_class_lists(place: Path, kind: str) -> None:
    media.h264(place / "good.mp4", 9)
    check(
        place, hostile.NAMES[kind], "predict", "good.mp4", "--classes-file", "FILE", "--checkpoint", "seed0.safetensors"
    )


@pytest.mark.parametrize("kind", hostile.ARCHIVES)
def test_bad_archives(place: Path, kind: str) -> None:
    name = hostile.ARCHIVES[kind][0]
    sources = yaml.safe_load((REPOSITORY / "data/sources.yaml").read_text())
    hmdb = sources["hmdb51"] | {"files": [{"url": f"https://example.org/{name}"}]}
    hmdb["limits"] = {"bytes": 100_000_000, "entries": 10_000}
    (place / "data/sources.yaml").unlink()
    (place / "data/sources.yaml").write_text(yaml.safe_dump({"hmdb51": hmdb}))
    (place / name).write_bytes(hostile.content(hostile.ARCHIVES[kind]))
    before = written(place)
    ended = run(place, "fetch", "hmdb51", "--to", "fetched", "--from", str(place))
    refused(Ended(ended.status, "", ended.errors), hostile.ARCHIVES[kind][2])
    assert not {path for path in written(place) - before if not (place / path).is_dir()}
    assert not (place / "escaped").exists()
    assert not (place.parent / "escaped").exists()
    assert not Path("/tmp/escaped").exists()


@pytest.mark.parametrize("kind", hostile.VIDEOS)
def test_bad_videos(place: Path, kind: str) -> None:
    name, _, words = hostile.VIDEOS[kind]
    media.h264(place / "good.mp4", 12)
    (place / name).write_bytes(hostile.content(hostile.VIDEOS[kind]))
    before = written(place)
    given = ("--classes", "red,blue", "--checkpoint", "seed0.safetensors")
    ended = run(place, "predict", name, "good.mp4", *given)
    assert re.search(words, ended.output if words == hostile.HARMLESS else ended.errors), ended.errors[:3000]
    assert ended.status == int(words != hostile.HARMLESS)
    assert "good.mp4" in ended.output, "the others go on"
    assert "Traceback" not in ended.errors
    assert ended.errors.replace("\n", "").isprintable()
    assert written(place) == before


def test_a_dataset_of_bad_videos(place: Path) -> None:
    """Under `leave_out` all are listed and left out, under `error` they stop the run; the others go on."""
    for number, (name, _, words) in enumerate(hostile.VIDEOS.values()):
        kind = list(hostile.VIDEOS)[number]
        folder = place / "videos" / ("red circle" if number % 2 else "blue ring")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}_{name}").write_bytes(hostile.content(hostile.VIDEOS[kind]))
        if words == hostile.HARMLESS:
            (folder / f"{number}_{name}").unlink()
    media.h264(place / "videos/red circle/good.mp4", 12)
    media.h264(place / "videos/blue ring/good.mp4", 12)
    assert run(place, "ingest", "micro_ucf").status == 0
    assert run(place, "manifest", "micro_ucf").status == 0
    manifest = list(iterate_table(place / "results/micro/manifests/micro_ucf.csv"))
    usable = [row["path"] for row in manifest if row["status"] == "ok"]
    assert usable == ["blue ring/good.mp4", "red circle/good.mp4"]
    assert not any(str(place) in row["reason"] for row in manifest), "no place of this machine in a result"
    raw = (place / "params.yaml").read_text()
    (place / "params.yaml").write_text(raw.replace("broken: leave_out", "broken: error"))
    ended = run(place, "manifest", "micro_ucf")
    assert ended.status == 1
    assert "set datasets.micro_ucf.broken to leave_out" in ended.errors
    assert list(iterate_table(place / "results/micro/manifests/micro_ucf.csv")) == manifest, "the finished one stays"


# --- decoders --------------------------------------------------------------------------------------------


def _take(how: str) -> str:
    match how:
        case "memory":
            # more than the heap, whose free part a worker may use: it inherits the heap of this process
            return str(len(bytearray(_data_bytes() + (2 * DECODER_MB << 20))))
        case "cpu":
            while True:
                pass
        case "abort":
            os.abort()
        case "write":
            Path(os.environ["AURL_TEST_FILE"]).write_text("x" * 10_000)
        case "core":
            return str(resource.getrlimit(resource.RLIMIT_CORE))
    return how


def test_limits_of_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURL_TEST_FILE", str(tmp_path / "file"))
    items = ["a", "memory", "b", "abort", "write", "core", "cpu", "c"]
    found = dict(zip(items, map_isolated(_take, items, 1, 3, DECODER_MB), strict=True))
    assert [found[item] for item in ("a", "b", "c")] == ["a", "b", "c"]
    assert found["core"] == "(0, 0)"
    reasons = {item: result.reason for item, result in found.items() if isinstance(result, Failure)}
    assert f"needs more memory than the {DECODER_MB} MiB allowed" in reasons["memory"]
    assert "SIGABRT" in reasons["abort"]
    assert "no result within 3 s" in reasons["cpu"]
    assert "File too large" in reasons["write"]
    assert not (tmp_path / "file").exists() or (tmp_path / "file").stat().st_size == 0


def test_the_cpu_limit_ends_a_worker_whose_parent_is_gone(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:  # a parent that is killed while its worker spins
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for _ in map_isolated(_note_and_spin, [str(tmp_path / "pid")], 1, 2):
            pass
        os._exit(0)
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip() != "")
    worker = int((tmp_path / "pid").read_text())
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    wait_for(lambda: not running(worker))


def _note_and_spin(file: str) -> None:
    Path(file).write_text(str(os.getpid()))
    while True:
        pass


def running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_for(condition: "object", seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


def _crash_unless_plain(item: str) -> str:
    raise AssertionError(item)


def _plain(item: str) -> str:
    return f"plain {item}"


def test_what_one_way_fails_at_the_other_one_tries(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(map_isolated(_crash_unless_plain, ["x", "y"], 1, 9, fallback=_plain)) == ["plain x", "plain y"]
    assert "x: AssertionError: x; trying another way" in capsys.readouterr().err


def store_of(folder: Path, tmp_path: Path) -> FrameStore:
    from aurl.frames.packing import stored_settings, write_index

    ingest_folder(folder, "class_folders", False, tmp_path / "held", tmp_path / "list.csv", 1)
    make_manifest(tmp_path / "list.csv", folder, "leave_out", FRAMES, tmp_path / "m.csv")
    shard, index = tmp_path / "frames/0.jpegs", tmp_path / "frames/0.safetensors"
    extract_shard(tmp_path / "m.csv", "leave_out", folder, 0, 1, FRAMES, shard, index)
    write_index([(shard, index)], stored_settings(FRAMES), tmp_path / "frames/index.json")
    return FrameStore(tmp_path / "frames/index.json")


def test_a_crash_of_decord_costs_nothing_but_its_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    media.h264(tmp_path / "videos/a/1.mp4", 12)
    media.h264(tmp_path / "videos/a/2.mp4", 9)
    usual = store_of(tmp_path / "videos", tmp_path / "usual").num_frames()
    monkeypatch.setattr("aurl.frames.video.decord.VideoReader", lambda *_, **__: os.abort())
    store = store_of(tmp_path / "videos", tmp_path / "crashing")
    assert store.num_frames().tolist() == usual.tolist() == [12, 9]
    assert "1.mp4: the worker process died (SIGABRT); trying another way" in capsys.readouterr().err


def test_every_video_that_cannot_be_extracted_is_named(tmp_path: Path) -> None:
    for name in "abc":
        media.h264(tmp_path / f"videos/a/{name}.mp4", 12)
    ingest_folder(tmp_path / "videos", "class_folders", False, tmp_path / "held", tmp_path / "list.csv", 1)
    make_manifest(tmp_path / "list.csv", tmp_path / "videos", "error", FRAMES, tmp_path / "m.csv")
    for name in "ac":
        (tmp_path / f"videos/a/{name}.mp4").write_bytes(b"other")
    with pytest.raises(AurlError, match=r"a\.mp4: .*has changed.*\(2 of 3 videos of this shard\)\n.*c\.mp4: "):
        extract_shard(tmp_path / "m.csv", "error", tmp_path / "videos", 0, 1, FRAMES, tmp_path / "s", tmp_path / "i")
    assert not (tmp_path / "s").exists()


def test_a_video_may_change_its_size(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/two.ts").write_bytes(hostile.two_sizes())
    for with_decord in (True, False):
        frames = np.concatenate(list(read_frames(tmp_path / "a/two.ts", 20, 32, with_decord=with_decord)))
        assert frames.shape == (20, 32, 32, 3)
        assert frames[:10].std() > 1
        assert frames[10:].std() > 1


def test_names_that_ffmpeg_would_take_for_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    good = media.h264(tmp_path / "good.mp4", 12).read_bytes()
    for name in ("concat:good.mp4", "data:video.mp4", "-i.mp4", "pipe:0", "%03d.mp4", "file:x.mp4"):
        Path(name).write_bytes(good)
        assert sum(map(len, read_frames(Path(name), 12, 32))) == 12


# --- folders and names -----------------------------------------------------------------------------------


def make_special(path: Path, kind: str) -> None:
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "endless device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "link to nothing":
            path.symlink_to("/nowhere/x.mp4")
        case "link to itself":
            path.symlink_to(path)


@pytest.mark.parametrize("kind", ["pipe", "endless device", "folder", "link to nothing", "link to itself"])
@pytest.mark.parametrize("versioned", [True, False])
def test_a_video_that_is_no_file(tmp_path: Path, kind: str, versioned: bool) -> None:
    media.h264(tmp_path / "videos/a/good.mp4", 9)
    make_special(tmp_path / "videos/a/x.mp4", kind)
    with pytest.raises(AurlError, match=r"x\.mp4: not a regular file"):
        ingest_folder(tmp_path / "videos", "class_folders", versioned, tmp_path / "held", tmp_path / "list.csv", 1)
    assert not (tmp_path / "list.csv").exists()
    assert not stat.S_ISREG(os.lstat(tmp_path / "videos/a/x.mp4").st_mode)


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\x1b[2Jb", "a\x85b", "a\u2028b", "a\udcffb", "a\tb"])
@pytest.mark.parametrize("of_class", [True, False])
def test_names_that_are_refused(tmp_path: Path, name: str, of_class: bool) -> None:
    path = tmp_path / "videos" / (f"{name}/x.mp4" if of_class else f"a/{name}.mp4")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    with pytest.raises(AurlError, match="line break or another character that cannot be printed; rename") as caught:
        ingest_folder(tmp_path / "videos", "class_folders", False, tmp_path / "held", tmp_path / "list.csv", 1)
    assert str(caught.value).isprintable()


def test_two_spellings_of_one_class(tmp_path: Path) -> None:
    """Some file systems hold an accent apart from its letter: two folders that look the same."""
    for name in ("caf\u00e9", "cafe\u0301"):
        path = tmp_path / "videos" / name / "x.mp4"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    with pytest.raises(AurlError, match="look the same"):
        ingest_folder(tmp_path / "videos", "class_folders", False, tmp_path / "held", tmp_path / "list.csv", 1)


def test_the_honest_files_pass(place: Path) -> None:
    """What the bad ones differ from: the harness itself refuses nothing."""
    assert load_experiment(place / "params.yaml").frames.memory_mb == DECODER_MB
    media.h264(place / "good.mp4", 12)
    given = ("--classes", "red,blue", "--checkpoint", "seed0.safetensors")
    assert run(place, "predict", "good.mp4", *given).status == 0
    (place / "v.bin").write_bytes(hostile.BINARY)
    experiment = yaml.safe_load((place / "params.yaml").read_text())
    experiment["semantics"]["encoder"] |= {"vectors": "v.bin", "dimension": 3}
    (place / "params.yaml").write_text(yaml.safe_dump(experiment))
    (place / "results/micro/manifests").mkdir(parents=True)
    row = hostile.ROW.replace("red circle", "red blue")
    (place / "results/micro/manifests/micro_ucf.csv").write_text(hostile.HEADER + row)
    ended = run(place, "embeddings", "micro_ucf")
    assert ended.status == 0, ended.errors
    (place / "w.npy").write_bytes(hostile._npy(np.zeros((2, 300), np.float32)))
    assert (
        run(place, "encode", "--checkpoint", "seed0.safetensors", "--vectors", "w.npy", "--output", "o.npz").status == 0
    )


def test_the_harness_sees_what_it_should(place: Path, tmp_path: Path) -> None:
    """A write outside the folder is noticed."""
    (place / "w.npy").write_bytes(hostile._npy(np.zeros((2, 300), np.float32)))
    arguments = ("encode", "--checkpoint", "seed0.safetensors", "--vectors", "w.npy", "--output")
    ended = run(place, *arguments, str(tmp_path / "elsewhere.npz"))
    assert ended.status == 99
    assert "WriteOutsideError" in ended.errors

"""Fuzz everything that reads a file from outside: `make fuzz`.

    python tests/helpers/fuzz.py [--runs N] [TARGET ...]

Each target is one parser. It is given bytes that grow from a few honest files, some by random changes and most by
coverage (atheris, libFuzzer's way, where it is installed); it must answer with a value or with one printable line
(AurlError). Anything else is a finding: another exception, a hang (TIMEOUT_SECONDS), memory beyond MEMORY_MB, a write
outside the target's own temporary folder. The figures go to benchmarks/measured/fuzz.json; inputs that found something
go to build/fuzz/. tests/system/test_fuzz.py runs a short sample of the same targets.
"""

import argparse
import gzip
import io
import json
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from aurl.experiment.presets import preset_text

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests/helpers"))
OUTPUT = REPOSITORY / "benchmarks/measured/fuzz.json"
FOUND = REPOSITORY / "build" / "fuzz"
RUNS = 110_000  # of all targets together
BY_CHANCE = 0.25  # share of random changes; the rest by coverage
TIMEOUT_SECONDS, MEMORY_MB = 20, 1024
LONGEST_INPUT = 1 << 14
WARM_UP = 300  # inputs by coverage before memory is measured: modules, caches, the fuzzer itself
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
DIR_FD = {"os.mkdir": 2, "os.remove": 1, "os.rmdir": 1}  # where their arguments name an open folder
CHANGING = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod"}


@dataclass(frozen=True)
class Target:
    """A parser: what it is called with (a file in a temporary folder), honest inputs, and its share of the runs."""

    read: Callable[[Path], Any]
    seeds: list[bytes]
    name: str = "input"
    share: float = 1.0


def check(target: Target, folder: Path, content: bytes) -> str | None:
    """Give a target one input; returns what is wrong with its answer, or None."""
    from aurl.system.errors import AurlError

    path = folder / target.name
    path.write_bytes(content)
    try:
        target.read(path)
    except AurlError as error:
        first, *more = str(error).split("\n")  # a mistake a line; or a line of a YAML file, and a caret
        if first and all(line.startswith("  ") for line in more) and all(map(str.isprintable, (first, *more))):
            return None
        return f"an error that is not one printable line: {str(error)[:200]!r}"
    except BaseException as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/aurl/" in frame.filename]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames else "?"
        return f"{type(error).__name__} at {place}: {' '.join(str(error).split())[:120]}"
    return None


def mutate(seed: bytes, random_numbers: random.Random, others: list[bytes]) -> bytes:
    """Change an input in the ways that parsers dislike."""
    content = bytearray(seed)
    for _ in range(random_numbers.randint(1, 5)):
        place = random_numbers.randint(0, len(content))
        match random_numbers.randint(0, 7):
            case 0 if content:
                content[place % len(content)] ^= 1 << random_numbers.randint(0, 7)
            case 1:
                del content[place : place + random_numbers.randint(1, 20)]
            case 2:
                content[place:place] = random_numbers.randbytes(random_numbers.randint(1, 8))
            case 3:
                content[place:place] = random_numbers.choice(TOKENS)
            case 4:
                content[place : place + 4] = random_numbers.choice(NUMBERS)
            case 5:
                piece = content[place : place + random_numbers.randint(1, 40)]
                content[place:place] = piece * random_numbers.randint(1, 30)
            case 6:
                del content[place:]
            case 7:
                other = random_numbers.choice(others)
                content[place:] = other[random_numbers.randint(0, len(other)) :]
    return bytes(content[:LONGEST_INPUT])


TOKENS = [
    *(
        b"\0",
        b"\n",
        b"\r\n",
        b"\r",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xc3\x28",
        b"\xe2\x80\xa8",
        b"\x1b[2J",
        b"../",
        b"/",
    ),
    *(
        b'"',
        b"'",
        b",",
        b";",
        b"\t",
        b"nan",
        b"inf",
        b"-1",
        b"1e999",
        b"9" * 400,
        b"0x",
        b"null",
        b"true",
        b"{}",
        b"[]",
    ),
    *(
        b"[" * 300,
        b'{"a":' * 100,
        b"&a ",
        b"*a ",
        b"<<: ",
        b"!!python/object:os.system ",
        b"!!int x",
        b"? ",
        b"- ",
        b": ",
    ),
    *(b"2001-99-99", b"0o9", b"1:99", b"$(id)", b"`id`", b"%s", b"{0}", b"e\xcc\x81", b"\xf0\x9f\x98\x80"),
]
NUMBERS = [struct.pack("<I", value) for value in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 1 << 20)]


def targets() -> dict[str, Target]:
    """Every parser of a file that may come from outside, by name."""
    import archives
    import numpy as np
    import torch
    from official_tokens import read_class_names
    from safetensors.numpy import save

    from aurl.datasets.table import iterate_table, iterate_usable
    from aurl.evaluation.feature_file import read_features
    from aurl.evaluation.predictions import read_predictions
    from aurl.evaluation.test_sets import test_set
    from aurl.experiment.read import load_experiment
    from aurl.fetch.archives import Budget, unpack
    from aurl.fetch.names import safe_path
    from aurl.fetch.sources import load_sources
    from aurl.frames.store import FrameStore
    from aurl.inference.choices import class_names
    from aurl.inference.encode import read_clips, read_vectors
    from aurl.models.checkpoint import load_model, state_bytes
    from aurl.models.published import read_published
    from aurl.models.shape import described_shape
    from aurl.models.torch_file import read_checkpoint
    from aurl.models.zero_shot import ZeroShotModel
    from aurl.scoring.formats.base import read_file
    from aurl.scoring.matching import match
    from aurl.semantics.classes import read_embeddings, read_seen_table
    from aurl.semantics.tokens import class_tokens, read_token_table
    from aurl.semantics.vectors import load_vectors
    from aurl.semantics.wordnet import Verbs, read_verbs

    verbs = Verbs(frozenset({"ride", "walk", "climb"}), {"rode": ["ride"]})

    def names(path: Path) -> None:
        from aurl.semantics.tokens import lemmas, words

        text = path.read_bytes().decode(errors="surrogateescape")
        for name in text.split("\n"):
            words(name)
            lemmas(name, verbs)
        class_tokens(text.split("\n"), "words")

    def safe_names(path: Path) -> None:
        for name in path.read_bytes().decode(errors="surrogateescape").split("\n"):
            assert not safe_path(name).is_absolute()
            assert ".." not in safe_path(name).parts

    def unpacked(path: Path) -> None:
        unpack(path, path.parent / "unpacked", Budget(1 << 22, 200))

    def described(path: Path) -> None:
        weights = path.with_suffix(".safetensors")
        if not weights.is_file():
            weights.write_bytes(state_bytes(ZeroShotModel(described_shape(model["model"]))))
        load_model(weights, path)

    def frame_index(path: Path) -> None:
        store = FrameStore(path)
        if len(store):
            store.num_frames()
            store.read(0, np.array([0]))

    def manifest(path: Path) -> None:
        list(iterate_table(path))
        for row in iterate_usable(path, "keep_partial"):
            _ = (int(row.get("frames", 0)), int(row.get("rotation", 0)), row["path"])

    def seen(path: Path) -> None:
        read_seen_table(path)

    def saved(value: Any, zipped: bool = True) -> bytes:
        stream = io.BytesIO()
        torch.save(value, stream, _use_new_zipfile_serialization=zipped)
        return stream.getvalue()

    def npy(array: "np.ndarray[Any, Any]") -> bytes:
        stream = io.BytesIO()
        np.save(stream, array)
        return stream.getvalue()

    small = test_set("hmdb51")
    one_each = [small.videos[row] for row in np.unique(small.labels, return_index=True)[1]]

    def scored(path: Path) -> None:
        match(read_file(path, small), small)

    def npz(**arrays: "np.ndarray[Any, Any]") -> bytes:
        stream = io.BytesIO()
        np.savez(stream, **arrays)
        return stream.getvalue()

    by_name = {"scores": np.eye(len(one_each), dtype=np.float32), "class": np.array(small.classes)}
    of_names = {"video": json.dumps(one_each), "class": json.dumps(small.classes)}
    vectors_of = {
        name: np.eye(len(one_each), 4, dtype=np.float32) + 1 for name in ("video_embeddings", "class_embeddings")
    }
    predicted = "".join(
        f"{video},{of_class}\n" for video, of_class in zip(one_each, small.classes, strict=True)
    ).encode()
    preset = preset_text("micro").encode()
    sources = yaml.safe_load((REPOSITORY / "data/sources.yaml").read_text())
    one_source = yaml.safe_dump({"hmdb51": sources["hmdb51"]}).encode()
    state = {"stem.0.weight": torch.zeros(2, 3), "fc.bias": torch.ones(2, dtype=torch.float16)}
    embedded = {"embeddings": np.eye(2, 3, dtype=np.float32)}
    words_of = {"classes": ["a", "b"], "tokens": {"a": ["red"], "b": ["blue"]}, "dropped": {}}
    features = {"clips1": np.eye(2, 3, dtype=np.float32), "labels": np.zeros(2, np.int64),
                "classes": np.eye(2, 3, dtype=np.float32)}  # fmt: skip
    named = {"classes": ["a", "b"], "paths": ["x", "y"]}
    floats = np.arange(6, dtype="<f4").reshape(2, 3)
    binary = b"2 3\n" + b"".join(b"word%d " % row + floats[row].tobytes() + b"\n" for row in range(2))
    shape = {"backbone": {"name": "r2plus1d", "width": 2, "blocks": [1]}, "embedding": 2, "word_hidden": 2,
             "dropout": 0.0, "dimension": 3,
             "mean": [0.4, 0.4, 0.4], "std": [0.2, 0.2, 0.2], "word_projector": False, "seen_classes": None}  # fmt: skip
    model: dict[str, Any] = {"model": shape, "clip_length": 8}
    index = {"settings": {"size": 16, "quality": 90, "chroma": "420"}, "videos": 1, "frames": 1, "bytes": 4,
             "shards": [{"shard": "0.jpegs", "index": "0.safetensors", "bytes": 4, "videos": 1, "frames": 1}]}  # fmt: skip
    shard = save({"offsets": np.array([0, 4]), "first_frame": np.array([0, 1])})

    def shard_index(path: Path) -> None:
        (path.parent / "0.jpegs").write_bytes(b"\xff\xd8\xff\xe0")
        (path.parent / "index.json").write_text(json.dumps(index))
        frame_index(path.parent / "index.json")

    def index_file(path: Path) -> None:
        (path.parent / "0.jpegs").write_bytes(b"\xff\xd8\xff\xe0")
        (path.parent / "0.safetensors").write_bytes(shard)
        frame_index(path)

    listing = b"path,class,bytes,sha256\nred/1.mp4,red,10," + b"a" * 64 + b"\n"
    whole = (
        b"path,class,bytes,frames,rate,duration,status,width,height,rotation,sha256,reason\n"
        b"red/1.mp4,red,10,40,25.000000,1.600000,ok,64,48,0," + b"a" * 64 + b",\n"
        b'"b, c/2.avi","b, c",10,3,25.000000,0.120000,partial,64,48,90,' + b"b" * 64 + b',"cut, short"\n'
    )
    tokens = b'dataset,class,tokens\nucf101,ApplyEyeMakeup,apply eye makeup\nucf101,"a, b",b\nhmdb51,golf,golf\n'
    verb_lemmas = b"ride\nwalk\n"
    return {
        "params": Target(load_experiment, [preset, b"experiment: x\nseen: &a [1]\nunseen: *a\n"], "params.yaml", 0.7),
        "sources": Target(load_sources, [one_source, b"a: {title: x}\n"], "sources.yaml", 0.7),
        "class_list": Target(lambda path: class_names(None, path), [b"archery\nhorse riding\n", "é\n".encode()]),
        "official_class_list": Target(read_class_names, [b"archery\nhorse riding\n"]),
        "tokens_of_names": Target(names, [b"ApplyEye_makeup\nPutting on shoes (not skis)", "cafe\u0301".encode()]),
        "token_table": Target(lambda path: read_token_table(path, "ucf101"), [tokens]),
        "verb_lists": Target(lambda path: read_verbs(path, path), [verb_lemmas, b"rode ride\n"]),
        "file_names": Target(safe_names, [b"a/b.mp4\n./c", b"../x\n/etc\n"]),
        "manifest": Target(manifest, [whole, listing]),
        "seen_classes": Target(seen, [b"class,kept,distance,nearest_class,nearest_dataset\na,True,0.1,b,ucf\n"]),
        "predictions": Target(read_predictions, [b"pred,label\na,b\n"]),
        "scores_npz": Target(
            scored, [npz(**by_name, video=np.array(one_each)), npz(**by_name, label=by_name["class"])], "s.npz"
        ),
        "scores_safetensors": Target(
            scored, [save({"scores": by_name["scores"]}, of_names), save(vectors_of, of_names)], "s.safetensors"
        ),
        "scores_csv": Target(scored, [b"video,pred\n" + predicted, b"label,pred\ngolf,golf\n"], "s.csv", 0.3),
        "vectors_binary": Target(lambda path: load_vectors(path, 3), [binary], "v.bin"),
        "vectors_gzip": Target(lambda path: load_vectors(path, 3), [gzip.compress(binary, mtime=0)], "v.bin.gz"),
        "vectors_text": Target(lambda path: load_vectors(path, 3), [b"2 3\nred 1 2 3\nblue 4 5 6\n"], "v.txt"),
        "torch_zip": Target(read_checkpoint, [saved(state), saved({"state_dict": state, "epoch": 3})]),
        "torch_pickle": Target(_pickle_in_zip(read_checkpoint), [_pickle_of(saved({"state_dict": state, "n": 1}))]),
        "torch_legacy": Target(read_checkpoint, [saved(state, False), saved({"state_dict": state}, False)]),
        "safetensors": Target(read_checkpoint, [save({"x": floats}), save(features)]),
        "published": Target(read_published, [saved(state), save({"stem.0.weight": floats})], share=0.5),
        "checkpoint_description": Target(described, [json.dumps(model).encode()], "seed0.json", 0.7),
        "embeddings": Target(read_embeddings, [save(embedded, {"aurl": json.dumps(words_of)})]),
        "features": Target(read_features, [save(features, {"aurl": json.dumps(named)})]),
        "frames_index": Target(index_file, [json.dumps(index).encode()], "index.json"),
        "shard_index": Target(shard_index, [shard], "0.safetensors"),
        "array_of_clips": Target(read_clips, [npy(np.zeros((1, 2, 3, 3, 3), np.uint8))]),
        "array_of_vectors": Target(lambda path: read_vectors(path, 3), [npy(floats)]),
        "archive_zip": Target(unpacked, [archives.zipped({"a/v.mp4": b"x" * 50, "b/": b""})], "x.zip", 0.7),
        "archive_tar": Target(unpacked, [gzip.decompress(archives.tarred({"a/v.mp4": b"x" * 50}))], "x.tar", 0.7),
    }  # fmt: skip


def _pickle_in_zip(read: Callable[[Path], Any]) -> Callable[[Path], Any]:
    """The input as the pickle of a torch file whose other entries are honest."""

    def wrapped(path: Path) -> Any:
        content = path.read_bytes()
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", content)
            archive.writestr("archive/byteorder", b"little")
            archive.writestr("archive/version", b"3\n")
            for key, size in (("0", 24), ("1", 4)):
                archive.writestr(f"archive/data/{key}", bytes(size))
        return read(path)

    return wrapped


def _pickle_of(saved: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        return archive.read(name)


class WriteOutsideError(BaseException):
    """A parser has written where it must not."""


def forbid_writes_outside(folder: Path) -> None:
    """From now on, Python code of this process that changes a file outside the folder gets an exception."""
    allowed = str(folder.resolve())

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & WRITING) if isinstance(flags, int) else any(letter in str(mode) for letter in "wax+")
            paths = [path] if writes and not isinstance(path, int) else []
        elif event in CHANGING:
            paths = [argument for argument in arguments[:2] if isinstance(argument, (str, bytes))]
            handle = arguments[DIR_FD[event]] if event in DIR_FD else -1
            if isinstance(handle, int) and handle >= 0:  # a name below an open folder
                paths = [os.path.join(os.readlink(f"/proc/self/fd/{handle}"), os.fsdecode(path)) for path in paths]
        else:
            return
        for path in paths:
            whole = os.path.abspath(os.fsdecode(path))
            if not (whole + "/").startswith(allowed + "/") and whole != "/dev/null":
                raise WriteOutsideError(f"{event} {whole}")

    sys.addaudithook(hook)


def peak_mib() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Session:
    """One target's run in this process: counts, and leaves its figures in a file."""

    def __init__(self, name: str, runs: int, folder: Path, figures: Path) -> None:
        self.name, self.runs, self.folder, self.figures = name, runs, folder, figures
        self.target = targets()[name]
        self.inputs, self.started, self.before = 0, time.monotonic(), 0.0
        self.findings: dict[str, int] = {}

    def one(self, content: bytes) -> None:
        """Check an input; the last one ends the process, since libFuzzer does not give control back."""
        problem = check(self.target, self.folder, content)
        self.inputs += 1
        if problem is not None:
            kind = problem.split(": ")[0]
            if kind not in self.findings:
                (self.folder / f"finding-{len(self.findings)}").write_bytes(content)
                print(f"{self.name}: {problem}", file=sys.stderr, flush=True)
            self.findings[kind] = self.findings.get(kind, 0) + 1
        if self.inputs == round(self.runs * BY_CHANCE) + min(WARM_UP, self.runs // 4):
            self.before = peak_mib()
        if self.inputs == self.runs:
            self.figures.write_text(json.dumps({
                "inputs": self.inputs, "seconds": round(time.monotonic() - self.started, 1), "findings": self.findings,
                "memory_growth_mib": round(peak_mib() - self.before, 1),
            }))  # fmt: skip
            sys.stderr.flush()
            os._exit(0)


def fuzz_here(name: str, runs: int, folder: Path, figures: Path) -> None:
    """Fuzz one target in this process; never returns."""
    try:
        import atheris
    except ImportError:
        atheris = None
    data = resource.getrlimit(resource.RLIMIT_DATA)
    if atheris is None:
        session = Session(name, runs, folder, figures)
    else:
        with atheris.instrument_imports(include=["aurl", "yaml", "pickletools"]):
            session = Session(name, runs, folder, figures)
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = str(folder)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = int(next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmData" in line).split()[1])
    resource.setrlimit(resource.RLIMIT_DATA, ((used << 10) + (MEMORY_MB << 20), data[1]))
    forbid_writes_outside(folder)
    numbers = random.Random(0)
    while atheris is None or session.inputs < runs * BY_CHANCE:
        session.one(mutate(numbers.choice(session.target.seeds), numbers, session.target.seeds))
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(session.target.seeds):
        (corpus / str(number)).write_bytes(seed)
    dictionary = folder / "dictionary"
    escaped = ("".join(f"\\x{byte:02x}" for byte in token[:60]) for token in TOKENS + NUMBERS)
    dictionary.write_text("".join(f'"{token}"\n' for token in escaped))
    limits = [f"-timeout={TIMEOUT_SECONDS}", "-rss_limit_mb=0", f"-max_len={LONGEST_INPUT}", "-len_control=0"]
    arguments = [sys.argv[0], *limits, "-seed=1", "-verbosity=0", f"-dict={dictionary}", f"-artifact_prefix={folder}/"]
    atheris.Setup([*arguments, str(corpus)], session.one)
    atheris.Fuzz()


def fuzz_target(name: str, runs: int) -> dict[str, Any]:
    """Fuzz one target in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="aurl-fuzz-") as temporary:
        folder = Path(temporary)
        inner, figures = folder / "work", folder / "work" / "figures.json"
        inner.mkdir()
        command = [sys.executable, __file__, "--here", str(inner), "--runs", str(runs), name]
        done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)
        for found in [*inner.glob("finding-*"), *inner.glob("timeout-*"), *inner.glob("crash-*"), *inner.glob("oom-*")]:
            FOUND.mkdir(parents=True, exist_ok=True)
            (FOUND / f"{name}-{found.name[:40]}").write_bytes(found.read_bytes())
        print("".join(f"{line}\n" for line in done.stderr.splitlines() if line.startswith(f"{name}: ")), end="")
        if not figures.is_file():
            last = " / ".join(done.stderr.splitlines()[-6:])
            print(f"{name}: ended early (exit status {done.returncode}): {last[:1500]}")
            return {"inputs": 0, "seconds": 0.0, "findings": {f"ended early: {done.returncode}": 1},
                    "memory_growth_mib": 0.0}  # fmt: skip
        return dict(json.loads(figures.read_text()))


def main() -> None:
    """Fuzz the targets, write the figures, and fail if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here is not None:
        fuzz_here(given.targets[0], given.runs, given.here, given.here / "figures.json")
    known = targets()
    chosen = given.targets or list(known)
    shares = sum(known[name].share for name in chosen)
    found = {}
    for name in chosen:
        found[name] = fuzz_target(name, max(1, round(given.runs * known[name].share / shares)))
        print(f"{name}: {found[name]['inputs']} inputs in {found[name]['seconds']} s, "
              f"{sum(found[name]['findings'].values())} findings, "
              f"memory +{found[name]['memory_growth_mib']} MiB", flush=True)  # fmt: skip
    if not given.targets:
        from aurl.system.json_files import write_json

        try:
            import atheris

            engine = f"atheris {getattr(atheris, '__version__', '')}".strip()
        except ImportError:
            engine = "random changes"
        total = sum(figures["inputs"] for figures in found.values())
        write_json(OUTPUT, {"engine": engine, "inputs": total, "targets": found,
                            "limits": {"seconds": TIMEOUT_SECONDS, "memory_mb": MEMORY_MB}})  # fmt: skip
    if any(figures["findings"] for figures in found.values()):
        sys.exit(f"findings: see {FOUND}")


if __name__ == "__main__":
    main()

"""The table of stages against what the commands import; files, provenance blocks and locks."""

import ast
import errno
import fcntl
import hashlib
import json
import multiprocessing
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aurl.lineage.blocks import identity_of, recorded
from aurl.pipeline.jobs import Job
from aurl.pipeline.stages import PACKAGE, STAGES, _closure, is_carrier, stage_code, stage_packages
from aurl.system.errors import AurlError
from aurl.system.files import replacing, sha256_folder, write_json
from aurl.system.locks import Holder, check_run, exclusive, forget_dead_run

DATA_FLOW = ["datasets", "frames", "semantics", "models", "losses", "training", "evaluation", "report"]


def imported_by(entry: str) -> set[str]:
    """Modules of this package that importing `entry` really loads, in a process of its own."""
    script = f"import sys, {entry}; print(*(m for m in sys.modules if m.startswith('aurl')))"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.mark.parametrize("stage", STAGES)
def test_code_table_names_what_the_stage_imports(stage: str) -> None:
    loaded = {
        name for name in imported_by(STAGES[stage].entry)
        if not is_carrier(name) and not (PACKAGE.parent / name.replace(".", "/")).is_dir()
    }  # fmt: skip
    listed = set(_closure(STAGES[stage].entry)[0])
    assert loaded - listed == set(), "imported but not among the stage's code"
    assert listed - loaded == set(), "among the stage's code but never imported"


@pytest.mark.parametrize(
    ("absent", "stage"),
    [
        *(
            ("torch", stage)
            for stage in ("ingest", "manifest", "frames", "embeddings", "seen_classes", "collect", "tables")
        ),
        *((library, "train") for library in ("gensim", "av", "decord")),
        *((library, "tables") for library in ("scipy", "statsmodels")),
        *((library, "figures") for library in ("gensim", "av", "decord")),  # torch it needs, for the word projector
        *((library, "report") for library in ("torch", "gensim", "av", "decord")),
    ],
)
def test_stages_import_no_heavy_library_that_they_do_not_need(absent: str, stage: str) -> None:
    assert absent not in stage_packages(stage)


def test_a_stage_is_loaded_without_the_garbage_collector() -> None:
    """A collection while torch is imported, and one of all its modules at the end, cost more than most jobs."""
    script = """
import gc, sys
from aurl.pipeline.execute import load_stage
before = gc.get_stats()[2]["collections"]
load_stage("evaluate")
assert gc.isenabled() and "torch" in sys.modules
assert gc.get_stats()[2]["collections"] == before
assert gc.get_freeze_count() > 100_000, gc.get_freeze_count()
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_packages_hold_no_code_of_their_own() -> None:
    """Empty `__init__.py` files are why the code table may leave them out."""
    for path in PACKAGE.rglob("__init__.py"):
        body = ast.parse(path.read_text()).body
        assert all(isinstance(node, ast.Expr) for node in body), path


def test_report_never_imports_training_and_nothing_imports_cli() -> None:
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        if "report" in path.parts:
            assert "aurl.training" not in text, path
        if path.name != "cli.py":
            assert "aurl.cli" not in text.replace('"aurl.cli"', ""), path


def test_editing_a_figure_does_not_retrain() -> None:
    assert "aurl/report/drawing/draw.py" not in stage_code("train")
    assert "aurl/training/loop.py" in stage_code("train")
    assert "aurl/losses.py" in stage_code("train")
    assert "aurl/losses.py" not in stage_code("features")


def test_replacing_is_all_or_nothing(tmp_path: Path) -> None:
    one, two = tmp_path / "a/one", tmp_path / "two"
    two.write_text("old")
    with pytest.raises(RuntimeError), replacing(one, two) as (first, second):  # noqa: PT012
        first.write_text("new")
        second.write_text("new")
        raise RuntimeError
    assert not one.exists()
    assert two.read_text() == "old"
    with replacing(one, two) as (first, second):
        first.mkdir()
        (first / "inside").write_text("new")
        second.write_text("new")
    assert (one / "inside").read_text() == "new"
    assert two.read_text() == "new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "inside", "one", "two"]


def test_folder_digest_sees_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = sha256_folder(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    renamed = sha256_folder(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({first, renamed, sha256_folder(tmp_path)}) == 3


def test_a_block_tells_inputs_settings_code_and_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source, made, block = Path("in.csv"), Path("out.csv"), Path("prov/out.csv.json")
    source.write_text("before")
    job = Job("collect", {}, (source,), (made,))
    identity = identity_of(job, {"seeds": [0]}, {"data": 1}, "cpu")
    with recorded(identity, job, block):
        source.write_text("changed during the run")
        made.write_text("result")
    written = json.loads(block.read_text())
    assert written["identity"] == json.loads(json.dumps(vars(identity)))
    assert written["identity"]["inputs"] == {"in.csv": hashlib.sha256(b"before").hexdigest()}, "taken before the run"
    assert list(written["identity"]["code"]) == stage_code("collect")
    assert set(written["identity"]["packages"]) == {"python", "pandas"}
    assert set(written["outputs"]) == {"out.csv"}
    assert written["circumstance"]["seconds"] > 0
    with pytest.raises(ValueError, match="no"), recorded(identity, job, Path("prov/other.json")):
        raise ValueError("no")
    assert not Path("prov/other.json").exists()


def hold(artefact: Path, folder: Path, ready: Path, seconds: float) -> None:
    with exclusive(artefact, folder):
        ready.touch()
        time.sleep(seconds)


def test_a_second_maker_waits_and_a_killed_one_leaves_no_lock(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = multiprocessing.get_context("spawn")
    for seconds, kill in ((1.5, False), (600.0, True)):
        ready = tmp_path / f"ready{kill}"
        other = context.Process(target=hold, args=(tmp_path / "x", tmp_path / "locks", ready, seconds))
        other.start()
        while not ready.exists():
            time.sleep(0.01)
        if kill:
            other.kill()
        with exclusive(tmp_path / "x", tmp_path / "locks"):
            assert not other.is_alive() or other.join(5) is None
        other.join()
    assert "waiting" in capsys.readouterr().err


def test_locks_of_a_dead_run_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "0.input.lock").touch()
    forget_dead_run(tmp_path, tmp_path / "own")
    assert not list((tmp_path / "locks").iterdir())
    (tmp_path / "locks" / "0.input.lock").touch()
    script = (
        "import sys; from pathlib import Path; from aurl.system.locks import forget_dead_run;"
        "forget_dead_run(Path(sys.argv[1]), Path(sys.argv[1]) / 'own')"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    assert len(list((tmp_path / "locks").iterdir())) == 1, "this process lives and holds the run"


def test_a_job_on_a_cluster_checks_that_its_run_lives(tmp_path: Path) -> None:
    check_run(tmp_path)  # nothing is shared here
    other = tmp_path / "other"
    script = (
        "import sys; from pathlib import Path; from aurl.system.locks import forget_dead_run;"
        "forget_dead_run(*map(Path, sys.argv[1:]))"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path), str(other)], check=True)
    with pytest.raises(AurlError, match="has ended .start it again., or flock does not hold between machines"):
        check_run(other)
    forget_dead_run(tmp_path, other)
    check_run(other)


def test_a_file_system_without_flock_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refused)
    with (
        pytest.raises(AurlError, match="knows no flock .Function not implemented.; mount it so"),
        exclusive(tmp_path / "x", tmp_path),
    ):
        pass


def test_a_holder_on_another_machine_is_named() -> None:
    assert str(Holder(7, 0.0, "node7")) == "process 7 on node7"
    assert str(Holder(7, 0.0, socket.gethostname())) == "process 7"
    assert str(Holder(None, 0.0)) == "process ?"


def test_json_is_written_in_one_order(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"b": 1, "a": "é"})
    assert (tmp_path / "a").read_text() == '{\n "a": "é",\n "b": 1\n}\n'

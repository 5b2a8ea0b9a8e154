"""The installed wheel, in an empty folder: the public names that need no experiment, and `aurl score`."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pages import DOCS
from repositories import REPOSITORY, copy_repository
from score_files import one_hot, write_npz

from aurl.system import shipped

PATHS = [path for path in sys.path if path.endswith("-packages")]  # of the dependencies


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the repository, which it leaves files in."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = copy_repository(folder / "repository")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
               "--wheel-dir", str(folder), str(copy)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, text=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the wheel, which sees this one's dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text("".join(f"{path}\n" for path in PATHS))
    install = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install", "--quiet", "--no-deps",
               "--no-index", "--force-reinstall", str(wheel)]  # fmt: skip
    subprocess.run(install, check=True, capture_output=True, text=True)
    return folder / "bin/python"


def run(command: list[str | Path], folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AURL"))}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def test_the_wheel_holds_the_data_and_the_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        for path in (*sorted((REPOSITORY / "data").rglob("*")), REPOSITORY / "aurl/py.typed"):
            if path.is_file():
                name = path.relative_to(REPOSITORY).as_posix()
                inside = name if name.startswith("aurl/") else f"aurl/{name}"
                assert inside in names
                assert archive.read(inside) == path.read_bytes()


def test_importing_is_quick_and_of_the_wheel(python: Path, tmp_path: Path) -> None:
    script = "import time; start = time.perf_counter(); import aurl; print(aurl.__file__, time.perf_counter() - start)"
    path, *_ = run([python, "-c", script], tmp_path).stdout.split()
    assert Path(path).is_relative_to(python.parents[1])
    seconds = min(float(run([python, "-c", script], tmp_path).stdout.split()[1]) for _ in range(3))
    assert seconds < 0.2


def test_the_examples_of_the_page_run(python: Path, tmp_path: Path) -> None:
    """Those that need no experiment, with the wheel's data, from an empty folder."""
    anywhere = (DOCS / "python.md").read_text().split("## The method")[0]
    (tmp_path / "page").mkdir()
    (tmp_path / "page/page.txt").write_text("\n".join(line for line in anywhere.split("\n") if "```" not in line))
    (tmp_path / "empty").mkdir()
    script = "import doctest, sys; print(*doctest.testfile(sys.argv[1], module_relative=False))"
    done = run([python, "-c", script, tmp_path / "page/page.txt"], tmp_path / "empty")
    failed, attempted = map(int, done.stdout.split()[-2:])
    assert failed == 0, done.stdout
    assert attempted > 15
    assert not list((tmp_path / "empty").iterdir())


def test_the_command_scores_a_file(python: Path, tmp_path: Path) -> None:
    """The authors' predictions give the paper's 44.39, and 43.61 as class mean; nothing else is in the folder."""
    write_npz(tmp_path / "ucf101.npz", one_hot("ucf101", order=1))
    done = run([python.parent / "aurl", "score", "ucf101.npz", "--test-set", "ucf101"], tmp_path)
    (line,) = [line.split() for line in done.stdout.splitlines() if line.startswith("all classes")]
    assert (line[4], line[-1]) == ("44.39", "43.61")
    assert [path.name for path in tmp_path.iterdir()] == ["ucf101.npz"]
    assert shipped.videos_of("ucf101").name in {path.name for path in python.parents[1].rglob("*.csv.gz")}

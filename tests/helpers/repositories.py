"""A copy of this repository in which a test may run commands."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from aurl.experiment.presets import preset_text

REPOSITORY = Path(__file__).resolve().parents[2]
REALVIDEO = Path(os.environ.get("AURL_REALVIDEO", REPOSITORY.parent / "shared" / "realvideo")).resolve()
LINKED = (".git/objects/", "benchmarks/", "tests/", "tools/")  # no test and no program writes into these files
Runner = Callable[..., "subprocess.CompletedProcess[str]"]
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


def copy_repository(target: Path) -> Path:
    """Copy what git tracks or would track, as a repository of its own with one commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file() or (REPOSITORY / name).is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target / name, follow_symlinks=False)
    (target / "dvc.lock").unlink(missing_ok=True)
    (target / "params.yaml").write_text(preset_text("mini"))
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "copy"]):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *identity, *command], cwd=target, check=True)
    return target


def copy_finished(source: Path, target: Path) -> Path:
    """Copy a repository with its results; those of `LINKED` are hard links, which take a third of the time."""

    def copy(path: str, copied: str) -> None:
        linked = os.path.relpath(path, source).startswith(LINKED)
        (os.link if linked else shutil.copy2)(path, copied)

    shutil.copytree(source, target, symlinks=True, copy_function=copy)
    return target


def environment_of(folder: Path) -> dict[str, str]:
    """The environment in which a copy of the repository runs its own code."""
    return {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AURL_REALVIDEO": str(REALVIDEO),
    }


def runner(folder: Path) -> Runner:
    """A function that runs a command in a copy of the repository, with that copy's code."""
    environment = environment_of(folder)

    def run(*command: str, ok: bool = True) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=550)
        if ok:
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done

    return run

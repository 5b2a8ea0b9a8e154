"""Find the clone to work in, and the files that a user names from another folder."""

import os
from pathlib import Path
from typing import Any

import click

from aurl.system.errors import AurlError

PARAMS = Path("params.yaml")
MARK = "Snakefile"  # lies at the top of every clone
STARTED_IN: list[Path] = []  # the user's folder, if it is not the one that the command works in


class UserPath(click.Path):
    """A path that the user names from the folder where the command was started."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """Return the path as the working folder has it."""
        return user_path(Path(os.fsdecode(super().convert(value, parameter, context))))


USER_PATH = UserPath()


def user_path(path: Path) -> Path:
    """Look a relative path up in the folder where the command was started."""
    return STARTED_IN[0] / path if STARTED_IN and not path.is_absolute() else path


def user_place(text: str) -> str:
    """Look up a text that names a file or something else, such as a test set."""
    return str(user_path(Path(text))) if STARTED_IN and user_path(Path(text)).exists() else text


def enter(folder: Path | None, params: Path | None) -> Path:
    """Go to the top of the clone; returns the file of the experiment, as seen from there.

    The clone is that of `folder`, of `params`, or of the working folder. Outside of a clone nothing changes: some commands
    need none.

    Raises: AurlError if `folder` is in no clone.
    """
    started = Path.cwd()
    top = clone_of(folder) if folder else (params and clone_of(params.parent)) or clone_of(started)
    if folder is not None and top is None:
        raise AurlError(f"-C {folder}: no clone of AURL (it has no {MARK}); give the folder that 'git clone' made")
    STARTED_IN.clear()
    if top is not None and top != started.resolve():
        os.chdir(top)
        STARTED_IN.append(started)
        params = params and started / params
    return params or PARAMS


def clone_of(folder: Path) -> Path | None:
    """Find the clone that a folder lies in; None if there is none."""
    whole = folder.resolve()
    return next(
        (each for each in (whole, *whole.parents) if (each / MARK).is_file() and (each / "aurl").is_dir()), None
    )


def check_inside() -> None:
    """Refuse to work outside of a clone. Raises: AurlError."""
    if not Path(MARK).is_file():
        raise AurlError(f"{Path.cwd()} is not in a clone of AURL; go to the clone, or name it: aurl -C DIR ...")

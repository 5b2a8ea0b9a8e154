"""Load parts from folders: each file of a folder is one part, named like the file.

`params.yaml` names a part (`losses: {seen: 1}`), and the one file of that name is imported. A folder is never imported
as a whole, so that a new part changes the code of no other. A name with a dot is a module from outside this package.
Two folders that share their names are written with a `+` between them.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from aurl.system.errors import AurlError, choices, one_line

PACKAGE = Path(__file__).resolve().parents[1]
SHARED = ("__init__", "base")  # files of a folder that are no part
_refused = False  # whether parts from outside are refused


def names(folder: str) -> list[str]:
    """List the parts of a folder such as `aurl.losses`, sorted."""
    paths = [PACKAGE.parent / Path(*each.split(".")) for each in folder.split("+")]
    return sorted(file.stem for path in paths for file in path.glob("*.py") if file.stem not in SHARED)


def module_of(folder: str, name: str) -> str:
    """Name the module of a part: `aurl.losses.seen`; a dotted name is the module already."""
    if "." in name:
        return name
    first, *others = folder.split("+")
    return f"{next((each for each in others if name in names(each)), first)}.{name}"


@lru_cache
def load(folder: str, name: str) -> ModuleType:
    """Import one part.

    Raises: AurlError for an unknown name, or a module from outside that cannot be imported.
    """
    if "." in name:
        return _load_outside(name)
    known = names(folder)
    if name not in known:
        raise AurlError(f"'{name}' is no part of {folder.replace('+', ' or ')}; {choices(name, known)}")
    return importlib.import_module(module_of(folder, name))


@contextmanager
def no_parts_from_outside() -> Iterator[None]:
    """Refuse parts from outside.

    A stranger's file of parameters may name any module, and an import runs it.
    """
    global _refused
    before, _refused = _refused, True
    try:
        yield
    finally:
        _refused = before


def source_of(module: str) -> Path:
    """Find the file of a module from outside, without running it. Raises: AurlError if there is none."""
    if _refused:
        raise AurlError(f"'{module}': a part from outside this package; it is not run here")
    _see_working_folder()
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise AurlError(f"'{module}': no such module; put its file below the folder you work in, or install it")
    return Path(spec.origin)


def _load_outside(name: str) -> ModuleType:
    source_of(name)
    try:
        return importlib.import_module(name)
    except Exception as error:  # whatever the file raises while it is imported
        reason = one_line(f"{type(error).__name__}: {error}")
        raise AurlError(f"'{name}': cannot be imported ({reason})") from None


def _see_working_folder() -> None:
    """Let modules below the working folder be imported, as `python -m` does."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())

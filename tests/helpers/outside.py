"""Write parts outside the package, as a user writes them."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from aurl.system import plugins


def write_part(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, enter: bool = True) -> str:
    """Write a part `package.module` below a folder that Python imports from, and return its dotted name.

    Args:
        enter: make the folder the working folder too.
    """
    package, module = name.split(".")
    (folder / package).mkdir(exist_ok=True)
    (folder / package / f"{module}.py").write_text(text)
    if enter:
        monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == package]:
        del sys.modules[loaded]  # from another test's folder
    plugins.load.cache_clear()
    importlib.invalidate_caches()
    return name


def write_outside(folder: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str, text: str) -> ModuleType:
    """Write a part, make its folder the working folder, and import it by its dotted name."""
    return importlib.import_module(write_part(folder, monkeypatch, f"{package}.{name}", text))

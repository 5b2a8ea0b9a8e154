"""Parts written outside the package, as a user writes them."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest


def write_outside(folder: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str, text: str) -> ModuleType:
    """Write `package/name.py` below a folder that becomes the working folder, and import it by its dotted name."""
    (folder / package).mkdir(exist_ok=True)
    (folder / package / f"{name}.py").write_text(text)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    for module in [module for module in sys.modules if module.split(".")[0] == package]:
        del sys.modules[module]
    importlib.invalidate_caches()
    return importlib.import_module(f"{package}.{name}")

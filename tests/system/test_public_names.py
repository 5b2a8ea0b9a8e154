"""The public names of the package: each loads, is documented, and none is loaded before it is used."""

import doctest
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from repositories import REPOSITORY

import aurl
from aurl.system import plugins


@pytest.mark.parametrize("name", dir(aurl))
def test_a_public_name_is_documented(name: str) -> None:
    value = getattr(aurl, name)
    assert callable(value)
    assert inspect.getdoc(value)
    assert value.__name__ == name


def test_importing_the_package_loads_no_library() -> None:
    script = "import sys, aurl; dir(aurl); aurl.parts('losses'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    loaded = {module.split(".")[0] for module in done.stdout.split()}
    assert not loaded & {"torch", "numpy", "pandas", "pydantic", "yaml", "matplotlib", "gensim"}


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'train_all'"):
        _ = aurl.train_all
    with pytest.raises(ValueError, match="'terms' is no kind of part; known: losses, methods, backbones"):
        aurl.parts("terms")


def test_every_folder_of_parts_is_listed() -> None:
    """A folder of parts is one whose `base.py` says what its parts share."""
    folders = {
        ".".join(path.parent.relative_to(plugins.PACKAGE.parent).parts) for path in plugins.PACKAGE.rglob("base.py")
    }
    listed = {f"aurl.{kind}" for kind in ("experiment",)} | set(aurl._FOLDERS.values())
    assert folders == listed
    assert all(aurl.parts(kind) for kind in aurl._FOLDERS)


def test_no_public_name_is_a_folder_of_the_package() -> None:
    """An imported folder becomes an attribute of the package, which would hide the name."""
    assert not {path.stem for path in Path(aurl.__file__).parent.iterdir()} & {*dir(aurl)}
    import_module("aurl.losses.seen")
    assert aurl.parts("losses") == plugins.names("aurl.losses")


def test_the_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert doctest.testmod(aurl).attempted >= 4
    assert doctest.testmod(aurl).failed == 0

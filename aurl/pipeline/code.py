"""Find the code of a stage: its entry module, what that imports, and the parts that the parameters name.

A stage's code decides its results, so a change of it reruns the stage. Modules that only carry values and bytes are
left out.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from aurl.pipeline.stage import Parts, Stage
from aurl.system import plugins

PACKAGE = plugins.PACKAGE
REPOSITORY = PACKAGE.parent
CARRIERS = (
    *("aurl.cli", "aurl.experiment", "aurl.pipeline", "aurl.lineage", "aurl.audit", "aurl.operate"),
    *(
        f"aurl.system.{name}"
        for name in (
            "digests",
            "errors",
            "files",
            "isolated",
            "locks",
            "memory",
            "plugins",
            "processes",
            "progress",
            "shipped",
        )
    ),
)
DECIDING = ("aurl.experiment.variants",)  # among the carriers: what a loss term reads, and what a model learns


def is_carrier(module: str) -> bool:
    """Say whether a module only carries values and bytes, so that its code decides no result."""
    inside = any(module == carrier or module.startswith(f"{carrier}.") for carrier in CARRIERS)
    return inside and module not in DECIDING


def code_of(stage: Stage, values: Any = None, wildcards: Any = None) -> tuple[str, ...]:
    """List the code files of a stage, sorted, relative to the repository.

    Args:
        values: the experiment as JSON; without it the code holds every part of each folder.
        wildcards: those of the job, with `seen`.
    """
    values_at = values, wildcards or {}
    return _files((stage.entry, *_parts(stage, *values_at)), _parts(stage, *values_at, alone=True), stage.folder)


def packages_of(stage: Stage, values: Any = None, wildcards: Any = None) -> list[str]:
    """List the top-level names of the third-party modules that a stage's code imports."""
    modules = (stage.entry, *_parts(stage, values, wildcards or {}))
    return sorted({name for module in modules for name in closure(module)[1]})


def part_names(parts: Parts, values: Any, wildcards: Any) -> list[str]:
    """List the names of the parts that the parameters name at a key."""
    if parts.key is None or values is None:
        return plugins.names(parts.folder)
    if parts.unless is not None and any(_values_at(values, parts.unless.format(**wildcards).split("."))):
        return []
    names: list[str] = []
    *above, last = parts.key.format(**wildcards).split(".")
    holders = [holder for holder in _values_at(values, above) if last in holder or not parts.optional]
    for value in (each for holder in holders for each in _values_at(holder, [last])):
        if isinstance(value, str):
            names.append(value)
        elif isinstance(value, dict):
            names += [value["name"]] if "name" in value else list(value)
    return list(dict.fromkeys(names))


@lru_cache
def closure(entry: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """List the modules of this package that `entry` reaches, without carriers and packages, and outside ones."""
    reached, outside, waiting = set(), set(), [entry]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        for imported in _imports(name):
            if imported.split(".")[0] not in ("aurl", entry.split(".")[0]):
                outside.add(imported.split(".")[0])
            elif not is_carrier(imported):
                waiting.append(imported)
    inside = {name for name in reached if module_file(name).name != "__init__.py"}
    return tuple(sorted(inside)), tuple(sorted(outside - set(sys.stdlib_module_names)))


def module_file(name: str) -> Path:
    """Find the file of a module: of this package, or of a part from outside."""
    if name.split(".")[0] != "aurl":
        return plugins.source_of(name)
    path = REPOSITORY / Path(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _parts(stage: Stage, values: Any, wildcards: Any, alone: bool = False) -> tuple[str, ...]:
    chosen = [parts for parts in stage.parts if parts.alone == alone]
    return tuple(
        plugins.module_of(each.folder, name) for each in chosen for name in part_names(each, values, wildcards)
    )


@lru_cache
def _files(modules: tuple[str, ...], alone: tuple[str, ...], folder: str | None) -> tuple[str, ...]:
    files = {module_file(name) for module in modules for name in closure(module)[0]} | set(map(module_file, alone))
    if folder is not None:
        files |= {path for path in (PACKAGE / folder).iterdir() if path.is_file()}
    return tuple(sorted(map(_shown, files)))


def _shown(path: Path) -> str:
    """Write a path relative to the repository or to the working folder, where it lies below one of them."""
    for folder in (REPOSITORY, Path.cwd()):
        if path.resolve().is_relative_to(folder):
            return path.resolve().relative_to(folder).as_posix()
    return path.as_posix()


def _values_at(value: Any, keys: list[str]) -> Iterable[Any]:
    if not keys:
        return [value]
    inner = value.values() if keys[0] == "*" else [value[keys[0]]]
    return [one for each in inner for one in _values_at(each, keys[1:])]


@lru_cache
def _imports(name: str) -> tuple[str, ...]:
    """List the modules that a module imports anywhere but for types, `from package import module` resolved."""
    imported = set()
    for node in _run_nodes(ast.parse(module_file(name).read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = node.module.split(".")[0] == "aurl" and module_file(inner).is_file()
                imported.add(inner if is_module else node.module)
    return tuple(sorted(imported))


def _run_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk over a module's nodes but those below `if TYPE_CHECKING`, which decide no result."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)

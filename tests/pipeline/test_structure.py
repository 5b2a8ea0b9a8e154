"""The structure of the package: imports without circles, in few layers, and nothing imports the command line."""

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx
import pytest

from aurl.system.plugins import PACKAGE

MOST_LAYERS = 9


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"), path


def imports_of(path: Path, known: set[str]) -> Iterator[str]:
    """Modules of the package that a module imports anywhere, also inside functions, but for annotations alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & known
            yield from inner or ({node.module} & known)


@pytest.fixture(scope="module")
def graph() -> networkx.DiGraph:
    """An arrow from each module to each that it imports."""
    listed = dict(modules())
    drawn = networkx.DiGraph()
    drawn.add_nodes_from(listed)
    drawn.add_edges_from((name, used) for name, path in listed.items() for used in imports_of(path, set(listed)))
    return drawn


def room(module: str) -> str:
    """The folder of the package that a module lies in; a module of the package itself is its own room."""
    return module.split(".")[1] if module.count(".") else module


def test_no_module_imports_itself_in_a_circle(graph: networkx.DiGraph) -> None:
    assert list(networkx.simple_cycles(graph)) == []


def test_no_rooms_import_each_other_and_the_layers_are_few(graph: networkx.DiGraph) -> None:
    rooms = networkx.DiGraph()
    rooms.add_edges_from({(room(one), room(other)) for one, other in graph.edges if room(one) != room(other)})
    assert list(networkx.simple_cycles(rooms)) == []
    layers = list(networkx.topological_generations(rooms))
    assert len(layers) <= MOST_LAYERS, layers


def test_nothing_imports_the_command_line(graph: networkx.DiGraph) -> None:
    outside = [name for name in graph if room(name) != "cli" and any(room(used) == "cli" for used in graph[name])]
    assert outside == []


def test_only_two_packages_hold_code_of_their_own() -> None:
    """The code of a stage leaves packages out, which only holds while they are empty, or nothing here reads them."""
    for name, path in modules():
        if path.name == "__init__.py" and name not in ("aurl", "aurl.cli", "aurl.losses"):
            assert all(isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body), path

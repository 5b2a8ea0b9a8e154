"""The prose of the package: first lines of docstrings are short and name an action, and names say a thing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from repositories import REPOSITORY

PACKAGE = REPOSITORY / "aurl"
LONGEST = 100
QUESTION_WORDS = {"What", "Where", "Whether", "Who", "How", "Which"}
FILLERS = {"found", "told", "made", "again"}
ROOMS = sorted({path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")})
NOT_YET_PROSE = {
    "__init__.py", "backbones", "cli", "datasets", "experiment", "frames", "inference", "losses.py", "methods",
    "pipeline", "report", "semantics",
}  # fmt: skip
NOT_YET_NAMES = {"experiment"}


def trees(room: str) -> Iterator[tuple[Path, ast.Module]]:
    path = PACKAGE / room
    for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
        yield file.relative_to(REPOSITORY), ast.parse(file.read_text())


def first_lines(tree: ast.Module) -> Iterator[str]:
    """The first lines of the docstrings of the module and of every public class and function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and not getattr(node, "name", "").startswith(
            "_"
        ):
            yield (ast.get_docstring(node) or "").partition("\n")[0]


def assigned(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The names of variables and parameters, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


def faults_of(line: str) -> list[str]:
    word = line.split(maxsplit=1)[0].strip("`.,:") if line else ""
    return ["long"] * (len(line) > LONGEST) + ["question"] * (word in QUESTION_WORDS)


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in NOT_YET_PROSE])
def test_first_lines_are_short_and_no_questions(room: str) -> None:
    faulty = [(str(path), line) for path, tree in trees(room) for line in first_lines(tree) if faults_of(line)]
    assert not faulty


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in NOT_YET_NAMES])
def test_no_variable_has_a_filler_for_a_name(room: str) -> None:
    faulty = [f"{path}:{line} {name}" for path, tree in trees(room) for name, line in assigned(tree) if name in FILLERS]
    assert not faulty


def test_the_rules_see_what_breaks_them() -> None:
    tree = ast.parse(f'"""Where it lies."""\ndef f(told): "{"long " * 30}"\ndef _g():\n    "How it is."\n    found = 1')
    assert [faults_of(line) for line in first_lines(tree)] == [["question"], ["long"]]
    assert FILLERS & {name for name, _ in assigned(tree)} == {"found", "told"}

"""The mutation benchmark: mutants change one thing, and a silent one is seen."""

import ast
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from repositories import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "benchmarks"))
import mutant_runs
import mutation
from mutants import Mutant, changed_source, files_of, mutants_of

sys.path.remove(str(REPOSITORY / "benchmarks"))

SOURCE = '''"""A docstring: 1."""
from typing import TYPE_CHECKING

__all__ = ["f", "g"]
if TYPE_CHECKING:
    X = 1
PAIR = ("a", "b")


def f(x: "int", y: float = 0.5, *, flag: bool = True) -> "list[int]":
    """Another docstring."""
    if x < 3 and not flag:
        raise ValueError(f"x is {x}, below 3")
    return sorted(
        g(x, y) for _ in range(2)
    )
'''
FILES = files_of(REPOSITORY / "aurl")


def test_every_kind_of_change() -> None:
    changes = {(each.kind, each.before, each.after) for each in mutants_of("m.py", SOURCE)}
    assert changes == {
        ("order", "('a', 'b')", "('b', 'a')"), ("text", "'a'", "'a_'"), ("text", "'b'", "'b_'"),
        ("number", "0.5", "0.75"), ("truth", "True", "False"),
        ("logic", "x < 3 and (not flag)", "x < 3 or not flag"), ("comparison", "x < 3", "x <= 3"),
        ("number", "3", "4"), ("logic", "not flag", "flag"),
        ("order", "sorted((g(x, y) for _ in range(2)))", "sorted((g(x, y) for _ in range(2)), reverse=True)"),
        ("order", "g(x, y)", "g(y, x)"), ("number", "2", "3"),
    }  # fmt: skip


def test_lines_are_those_of_the_statement_or_its_head() -> None:
    lines = {each.before: each.lines for each in mutants_of("m.py", SOURCE)}
    assert lines["0.5"] == (10, 10)
    assert lines["3"] == (12, 12)
    assert lines["2"] == (14, 16)


@given(st.sampled_from(FILES), st.integers(0))
def test_a_mutant_is_one_change_that_compiles(file: str, number: int) -> None:
    source = (REPOSITORY / file).read_text()
    mutants = mutants_of(file, source)
    if not mutants:
        return
    mutant = mutants[number % len(mutants)]
    changed = changed_source(source, mutant.number)
    compile(changed, file, "exec")
    before, after = ast.unparse(ast.parse(source)).splitlines(), changed.splitlines()
    differing = [pair for pair in zip(before, after, strict=False) if pair[0] != pair[1]]
    assert differing or len(before) != len(after)
    if len(before) == len(after):
        assert len(differing) <= 2, "one node, on one line or on two of a text"


def test_what_needs_a_run() -> None:
    jobs = [{"stage": "train", "code": ["aurl/a.py"]}, {"stage": "tables", "code": []}]
    reached = {"train": {"aurl/a.py": {1}, "aurl/b.py": {4}}, "tables": {"aurl/b.py": {4, 5}}}

    def of(file: str, line: int) -> Mutant:
        return Mutant(file, 0, (line, line + 1), "number", "1", "2")

    named, carried, idle = of("aurl/a.py", 1), of("aurl/b.py", 4), of("aurl/b.py", 8)
    counts, waiting = mutation.sorted_out([named, carried, idle], jobs, reached)
    assert waiting == [(carried, ["train", "tables"])]
    assert dict(counts) == {"named by the plan": 1, "run with the change": 1, "not reached by micro": 1}


def hang() -> None:
    while True:
        pass


@pytest.mark.parametrize(
    ("work", "outcome"),
    [(lambda: None, mutant_runs.EQUAL), (lambda: 1 / 0, mutant_runs.STOPS), (hang, mutant_runs.HANGS)],
    ids=["ends", "fails", "hangs"],
)
def test_how_a_run_ended(
    work: Callable[[], object], outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutant_runs, "LIMIT_SECONDS", 1)
    (tmp_path / "place").mkdir()
    assert mutant_runs.forked(work, tmp_path / "place") == outcome


def test_one_silent_stage_makes_a_mutant_silent() -> None:
    assert (
        mutation.worst({"a": mutant_runs.EQUAL, "b": mutant_runs.SILENT, "c": mutant_runs.STOPS}) == mutant_runs.SILENT
    )
    assert mutation.worst({"a": mutant_runs.EQUAL, "b": mutant_runs.STOPS}) == mutant_runs.STOPS


def test_only_parameters_and_files_are_planned() -> None:
    job = {"values": {"a": 1, "b": 2}, "depends": ["x", "y"], "made": ["z"]}
    assert not mutant_runs.is_planned(job, job | {"values": {"b": 2, "a": 1}, "depends": ["y", "x"]})
    assert mutant_runs.is_planned(job, job | {"values": {"a": 1}})
    assert mutant_runs.is_planned(job, job | {"depends": ["x"]})
    assert mutant_runs.is_planned(job, job | {"made": ["w"]})

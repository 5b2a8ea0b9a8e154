"""A short sample of the fuzzing (tests/helpers/fuzz.py, `make fuzz`), and its figures."""

import json
import random
import time
from pathlib import Path

import fuzz
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

TARGETS = fuzz.targets()
SAMPLE_SECONDS = 0.6  # of each target


@pytest.mark.parametrize("name", TARGETS)
def test_an_honest_file_is_read(name: str, tmp_path: Path) -> None:
    """The first one of each target; otherwise nothing behind its first check would be reached."""
    path = tmp_path / TARGETS[name].name
    path.write_bytes(TARGETS[name].seeds[0])
    if name == "published":
        pytest.skip("its files are megabytes; tests/models/test_published.py reads honest ones")
    if name in ("verb_lists", "frames_index", "shard_index"):
        return  # two files in one, and a picture that is only begun: read as far as they go
    TARGETS[name].read(path)


@pytest.mark.parametrize("name", TARGETS)
def test_a_sample_of_changed_files(name: str, tmp_path: Path) -> None:
    numbers, target = random.Random(name), TARGETS[name]
    end = time.monotonic() + SAMPLE_SECONDS
    while time.monotonic() < end:
        content = fuzz.mutate(numbers.choice(target.seeds), numbers, target.seeds)
        assert fuzz.check(target, tmp_path, content) is None, content


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=300), name=st.sampled_from(sorted(TARGETS)))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str) -> None:
    assert fuzz.check(TARGETS[name], tmp_path_factory.mktemp("bytes"), content) is None


def test_the_check_sees_what_a_parser_may_not_do(tmp_path: Path) -> None:
    def two_lines(path: Path) -> None:
        from aurl.system.errors import AurlError

        raise AurlError("a\nb")

    def crash(path: Path) -> None:
        raise KeyError(path.read_bytes().decode())

    assert "not one printable line" in str(fuzz.check(fuzz.Target(two_lines, []), tmp_path, b"x"))
    assert "KeyError" in str(fuzz.check(fuzz.Target(crash, []), tmp_path, b"x"))


def test_the_figures_are_of_every_target() -> None:
    figures = json.loads(fuzz.OUTPUT.read_text())
    assert set(figures["targets"]) == set(TARGETS)
    assert figures["inputs"] == sum(target["inputs"] for target in figures["targets"].values()) >= 100_000
    assert not [name for name, target in figures["targets"].items() if target["findings"]]

"""docs/python.md: every line runs and gives what it shows, and every public name is on it."""

import doctest
import re
from pathlib import Path

import pytest
from finished_experiment import write_results
from pages import DOCS
from repositories import REPOSITORY
from small_network import write_network, write_video

import aurl
from aurl.experiment.presets import load_preset, preset_text

PAGE = (DOCS / "python.md").read_text()
IN_AN_EXPERIMENT = "## In the folder of an experiment"


def run_examples(text: str, names: dict[str, object]) -> dict[str, object]:
    """Run the examples of a part of the page, with the names of the parts before it."""
    plain = re.sub(r"^```.*$", "", text, flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(plain, names, "python.md", "python.md", 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test, clear_globs=False)
    assert runner.summarize(verbose=False).failed == 0
    assert test.examples
    return test.globs


def write_experiment(folder: Path) -> None:
    """A folder with what the page names: parameters, data, a small network, a video and its frames."""
    settings = load_preset("mini").frames
    (folder / "params.yaml").write_text(preset_text("mini"))
    (folder / "data").symlink_to(REPOSITORY / "data")
    write_network(folder / "weights/aurl.safetensors", settings)
    write_video(folder, settings)


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first parts from an empty folder, the last one from that of an experiment."""
    anywhere, experiment = PAGE.split(IN_AN_EXPERIMENT)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    names = run_examples(anywhere, {})
    (tmp_path / "experiment").mkdir()
    write_experiment(tmp_path / "experiment")
    monkeypatch.chdir(tmp_path / "experiment")
    write_results(load_preset("mini"), tmp_path / "experiment")
    run_examples(experiment, names)
    assert not list((tmp_path / "empty").iterdir())


@pytest.mark.parametrize("name", aurl.__all__)
def test_every_public_name_has_an_example(name: str) -> None:
    assert re.search(rf"^(>>>|\.\.\.) .*\baurl\.{name}\(", PAGE, re.MULTILINE), name
    assert f"**`aurl.{name}`**" in PAGE

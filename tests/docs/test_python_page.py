"""docs/python.md: every line runs and gives what it shows, and every public name is on it."""

import doctest
import re
import shutil
from pathlib import Path

import media
import pytest
import torch
from pages import DOCS
from repositories import REPOSITORY

import aurl
from aurl.experiment.presets import load_preset, preset_text
from aurl.frames.packing import write_index, write_shard
from aurl.inference.predict import decode_video
from aurl.models.checkpoint import state_bytes
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel
from aurl.system.files import write_json

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
    torch.manual_seed(1)
    shape = {
        "backbone": {"name": "r2plus1d", "width": 4, "blocks": [1, 1]}, "embedding": 12, "word_hidden": 10,
        "dropout": 0.0, "mean": [0.4, 0.4, 0.4], "std": [0.2, 0.2, 0.2], "dimension": 300, "word_projector": True,
        "seen_classes": None,
    }  # fmt: skip
    (folder / "weights").mkdir()
    (folder / "weights/aurl.safetensors").write_bytes(state_bytes(ZeroShotModel(ModelShape(**shape))))
    frames = {"size": settings.size, "quality": settings.quality, "chroma": settings.chroma}
    write_json(folder / "weights/aurl.json", {"model": shape, "clip_length": 8, "variant": "aurl", "seed": 0,
                                              "classes": None, "frames": frames})  # fmt: skip
    shutil.copy(media.h264(folder / "made.mp4"), folder / "video.avi")
    shard = folder / "frames/0.jpegs", folder / "frames/0.safetensors"
    shard[0].parent.mkdir()
    _, jpegs = decode_video(folder / "video.avi", **settings.stored)
    write_shard(*shard, iter([jpegs]))
    write_index([shard], settings.stored, folder / "frames/index.json")


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first parts from an empty folder, the last one from that of an experiment."""
    anywhere, experiment = PAGE.split(IN_AN_EXPERIMENT)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    names = run_examples(anywhere, {})
    (tmp_path / "experiment").mkdir()
    write_experiment(tmp_path / "experiment")
    monkeypatch.chdir(tmp_path / "experiment")
    run_examples(experiment, names)
    assert not list((tmp_path / "empty").iterdir())


@pytest.mark.parametrize("name", aurl.__all__)
def test_every_public_name_has_an_example(name: str) -> None:
    assert re.search(rf"^(>>>|\.\.\.) .*\baurl\.{name}\(", PAGE, re.MULTILINE), name
    assert f"**`aurl.{name}`**" in PAGE

"""Presets state what differs from a base; written out they are whole experiments."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml
from repositories import REPOSITORY

from aurl.experiment import presets
from aurl.experiment.merged import merged_text
from aurl.experiment.presets import load_preset, preset_names, preset_text
from aurl.experiment.read import load_experiment
from aurl.operate.use_preset import use_preset
from aurl.system.errors import AurlError

VALUES = {  # SHA-256 of each experiment's values, when every preset was a whole file
    "micro": "383cd19fd17a0fe1af0ab81d6f61b4c53aebd835e20a7c98436b8958571f9192",
    "methods": "4fa11e119bcb608e290adfc3f800829cb8fc45fa83667051bb9368dcb1344a73",
    "mini": "ed79a1adda108610ce8d0839dd54cb9c116cdbc483ea511ae830beb80e9387d5",
    "paper": "352b63b42e95f70b34fe66cc1e377fa51d6617dd922071fdd690fb1ed666862d",
    "samples": "63e4bd7c047a9a8088ec4dec3c7e8d533ed432806b7db6f9efc6839f911a01c1",
    "ucf101": "7ab9982cf0677e249b8d3dccd3801c48158a6f1119253f981cdcc9d884254a80",
}
BASE = """# the head of the base
frames: {size: 112, quality: 90}
training:
  epochs: 150
  scale: 10  # lambda
  clips: [1, 25]
record: manual  # or automatic
"""
OWN = """# a test
base: base.yaml
experiment: own

training:
  batch_size: 8
  epochs: 2  # few
  clips: [1]
  resume_every: null
frames: {size: 16}
absent: error
"""
WHOLE = """# a test
experiment: own
frames: {size: 16, quality: 90}

training:
  batch_size: 8
  epochs: 2  # few
  scale: 10  # lambda
  clips: [1]
  resume_every: null

record: manual  # or automatic
absent: error
"""


@pytest.mark.parametrize("name", VALUES)
def test_the_values_of_a_preset(name: str) -> None:
    """A change that is meant changes a digest here."""
    values = json.dumps(load_preset(name).model_dump(mode="json"))
    assert hashlib.sha256(values.encode()).hexdigest() == VALUES[name]


def test_a_base_is_no_preset() -> None:
    assert preset_names() == sorted(VALUES)
    assert (REPOSITORY / "presets/common.yaml").is_file()
    with pytest.raises(AurlError, match="unknown preset 'common'; known: methods, micro, mini, "):
        preset_text("common")


def test_the_repository_runs_mini() -> None:
    assert (REPOSITORY / "params.yaml").read_text() == preset_text("mini"), "run 'aurl use mini'"


@pytest.mark.parametrize("name", VALUES)
def test_use_writes_the_whole_experiment(name: str, tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    *_, _note = use_preset(name, params)
    assert params.read_text() == preset_text(name)
    assert load_experiment(params) == load_preset(name)
    assert list(use_preset(name, params)) == [f"{params} is preset '{name}' already"]
    head = (REPOSITORY / f"presets/{name}.yaml").read_text().partition("base:")[0]
    assert params.read_text().startswith(head)


def test_mappings_are_merged_and_other_values_replaced(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "own.yaml").write_text(OWN)
    assert merged_text(tmp_path / "own.yaml") == WHOLE
    (tmp_path / "third.yaml").write_text("base: own.yaml\nexperiment: third\nframes: null\n")
    third = yaml.safe_load(merged_text(tmp_path / "third.yaml"))
    assert third == yaml.safe_load(WHOLE) | {"experiment": "third", "frames": None}


def test_a_preset_without_a_base_is_a_whole_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text(preset_text("micro").replace("experiment: micro", "experiment: mine"))
    monkeypatch.setattr(presets, "PRESETS", tmp_path)
    assert preset_names() == ["mine"]
    assert load_preset("mine").experiment == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("base: own.yaml\n", "own.yaml: expected a mapping of settings that is not its own base"),
        ("base: none.yaml\n", "No such file or directory"),
        ("base: list.yaml\n", "list.yaml: expected a mapping"),
        ("experiment: a\nexperiment: b\n", "duplicate key"),
        ("experiment: [\n", "while parsing"),
    ],
)
def test_a_file_that_cannot_be_merged_gets_one_line(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(text)
    (tmp_path / "list.yaml").write_text("[1]\n")
    with pytest.raises(AurlError) as caught:
        merged_text(tmp_path / "own.yaml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_params_yaml_has_no_base() -> None:
    """Snakemake and DVC read params.yaml as it is."""
    with pytest.raises(AurlError, match="base: only a preset may have one; write the whole file with 'aurl use NAME'"):
        load_experiment(REPOSITORY / "presets/mini.yaml")

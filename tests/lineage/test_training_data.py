"""What a checkpoint was trained on, from the blocks beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from aurl.lineage.training_data import is_result, note_of

CHECKPOINT = "results/mine/checkpoints/aurl/seed0.safetensors"


def write_block(root: Path, name: str, identity: dict[str, Any]) -> None:
    path = root / "results/mine/provenance" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    empty = {"wildcards": {}, "inputs": {}, "settings": {}, "code": {}, "packages": {}, "seeds": {}, "device": "cpu"}
    block = {"identity": {**empty, "stage": "x", **identity}, "outputs": {}, "circumstance": {"seconds": 1}}
    path.write_text(json.dumps(block))


@pytest.mark.parametrize("rendered", [True, False])
def test_rendered_training_is_named(tmp_path: Path, rendered: bool) -> None:
    checkpoint = tmp_path / CHECKPOINT
    assert note_of(checkpoint) == "", "nothing is known of it"
    write_block(tmp_path, "checkpoints/aurl/seed0.safetensors", {"inputs": {"results/mine/manifests/seen.csv": "a"}})
    assert note_of(checkpoint) == ""
    source = {"folder": None if rendered else "videos", "render": {"seed": 0} if rendered else None}
    write_block(tmp_path, "datasets/seen.csv", {"settings": {"datasets.{dataset}.source": source}})
    assert ("trained on rendered videos" in note_of(checkpoint)) is rendered
    assert note_of(Path("/x.safetensors")) == ""


def test_a_video_below_the_results_is_one_of_them(tmp_path: Path) -> None:
    assert is_result(tmp_path / "results/mine/datasets/seen/a/1.avi")
    assert not is_result(tmp_path / "clips/1.avi")

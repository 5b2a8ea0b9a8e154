"""The features file: filled piece by piece, with the bytes that the library would write."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from aurl.evaluation.feature_file import read_features, tensor_header, write_features

PATHS = ['a/"quoted", back\\slash.mp4', "a/ünïcode\x7f.mp4", "b/plain.avi"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True), st.integers(0, 4), st.text(max_size=20))
def test_the_head_is_the_librarys(clips: list[int], videos: int, text: str) -> None:
    tensors = {"labels": torch.zeros(videos, dtype=torch.int64), "classes": torch.zeros(2, 3)}
    tensors |= {f"clips{number}": torch.zeros(videos, 3) for number in clips}
    metadata = {"aurl": json.dumps({"paths": [text]})}
    expected = save(tensors, metadata)
    header, begin = tensor_header({name: tensor.shape for name, tensor in tensors.items()}, metadata)
    assert expected[: len(header)] == header
    assert max(begin.values()) <= len(expected)


@pytest.mark.parametrize("lengths", [[3], [1, 2], [0, 2, 0, 1, 0]])
def test_features_are_written_part_by_part(tmp_path: Path, lengths: list[int]) -> None:
    rows, classes, labels = torch.rand(2, 3, 5), torch.rand(2, 5), np.array([0, 0, 1])
    path = tmp_path / "features.safetensors"
    write_features(path, torch.split(rows, lengths, dim=1), [1, 4], labels, classes, ["a", "b"], PATHS)
    tensors = {"clips1": rows[0].clone(), "clips4": rows[1].clone(), "labels": torch.tensor(labels), "classes": classes}
    assert path.read_bytes() == save(tensors, {"aurl": json.dumps({"classes": ["a", "b"], "paths": PATHS})})
    found = read_features(path)
    assert found.paths == PATHS
    assert torch.equal(found.videos[4], rows[1])


def test_a_network_that_fails_leaves_no_features(tmp_path: Path) -> None:
    def parts():
        yield torch.rand(1, 2, 5)
        raise ValueError("no frame")

    path = tmp_path / "features.safetensors"
    with pytest.raises(ValueError, match="no frame"):
        write_features(path, parts(), [1], np.array([0, 0, 1]), torch.rand(2, 5), ["a", "b"], PATHS)
    assert not list(tmp_path.iterdir())

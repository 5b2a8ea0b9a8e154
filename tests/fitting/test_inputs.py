"""Files of a method that do not belong together are refused, each in one line."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from fitted_files import CLASSES, Files

from aurl.experiment.methods import METHODS
from aurl.fitting.clip_features import read_clip_features
from aurl.fitting.fitted import fit_method, read_weights, score_videos
from aurl.fitting.inputs import load_tested
from aurl.system import plugins
from aurl.system.errors import AurlError


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def refused(match: str) -> Any:
    return pytest.raises(AurlError, match=match)


def test_files_that_belong_together(files: Files) -> None:
    seen = files.seen()
    assert seen.classes.names == ["archery", "climbing"]
    assert seen.labels.tolist() == [0, 0, 1, 1]
    assert torch.equal(seen.videos, read_clip_features(files.features).videos[3][[0, 1, 4, 5]])
    files.fit()
    assert files.weights().keys() == read_weights(files.fitted)[0].keys() == {"centre", "length", "map"}


def test_features_of_another_network(files: Files) -> None:
    files.fit()
    files.network.checkpoint.write_bytes(b"another network")
    wanted = rf"^{re.escape(str(files.features))}: features of another network than .*network\.safetensors; delete it"
    with refused(wanted):
        files.seen()
    with refused(wanted):
        load_tested(files.network, files.features, files.embeddings)
    files.write_features()
    with refused(r"fitted\.safetensors: fitted on features of another network"):
        files.weights()


def test_features_of_other_classes(files: Files) -> None:
    files.write_features(classes=[*CLASSES[:3], "surfing"])
    wanted = r"features\.safetensors: its classes are not those of .*embeddings\.safetensors, first difference: diving"
    with refused(wanted):
        files.seen()
    with refused(wanted):
        load_tested(files.network, files.features, files.embeddings)
    files.write_features(classes=CLASSES[::-1])
    with refused("first difference: their order"):
        files.seen()


def test_seen_classes_without_an_embedding(files: Files) -> None:
    files.write_seen({"archery": True, "surfing": True})
    with refused(r"seen_classes\.csv: class 'surfing' is not in .*embeddings\.safetensors"):
        files.seen()


def test_weights_of_another_method_or_size(files: Files) -> None:
    files.fit()
    with refused(r"fitted\.safetensors: weights of the method 'eszsl', not 'devise'"):
        files.weights("devise")
    files.write_features(size=7)
    with refused("fitted on features of 5 numbers, not 7"):
        files.weights()
    files.write_features()
    files.write_embeddings(size=9)
    with refused("fitted on class embeddings of 6 numbers, not 9"):
        files.weights()


def test_a_damaged_file_of_weights(files: Files) -> None:
    files.fit()
    files.fitted.write_bytes(files.fitted.read_bytes()[:-3])
    with refused(r"fitted\.safetensors: not a usable file of weights .*; delete it and run again") as caught:
        files.weights()
    assert "\n" not in str(caught.value)


def test_weights_that_are_not_finite(files: Files) -> None:
    seen = files.seen()
    seen.videos[0, 0, 0] = float("inf")
    settings = plugins.load(METHODS, "eszsl").Settings(method="eszsl", features="network")
    with refused("method 'eszsl': its weight 'centre' is not finite"):
        fit_method(settings, seen, 0, files.network.load)


def test_scores_that_are_not_finite(files: Files) -> None:
    seen = files.seen()
    settings = plugins.load(METHODS, "eszsl").Settings(method="eszsl", features="network")
    method = fit_method(settings, seen, 0, files.network.load)
    with refused("method 'eszsl': a score is not finite"):
        score_videos(method, seen.videos / 0, seen.classes)

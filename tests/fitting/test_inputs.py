"""Files of a method that do not belong together are refused, each in one line."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from aurl.experiment.methods import METHODS
from aurl.fitting.clip_features import read_clip_features, write_clip_features
from aurl.fitting.fitted import fit_method, read_weights, score_videos, weights_bytes
from aurl.fitting.inputs import Network, description_of, load_seen, load_tested, load_weights
from aurl.system import plugins
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file

CLASSES = ["archery", "bowling", "climbing", "diving"]


class Files:
    """The files of a small experiment: four classes, two of them kept, two videos each, three clips of five numbers."""

    def __init__(self, folder: Path) -> None:
        self.network = Network(folder / "network.safetensors", folder / "network.json")
        self.network.checkpoint.write_bytes(b"a network")
        self.features, self.embeddings = folder / "features.safetensors", folder / "embeddings.safetensors"
        self.seen_classes, self.fitted = folder / "seen_classes.csv", folder / "fitted.safetensors"
        self.write_features()
        self.write_embeddings()
        self.write_seen({"archery": True, "bowling": False, "climbing": True, "diving": False})

    def write_features(self, classes: list[str] = CLASSES, size: int = 5, network: str = "") -> None:
        videos = torch.randn(8, 3, size, generator=torch.Generator().manual_seed(1))
        write_clip_features(
            self.features, [{3: videos[:5]}, {3: videos[5:]}], [3], size, np.arange(4).repeat(2), classes,
            [f"{number}.mp4" for number in range(8)], network or sha256_file(self.network.checkpoint),
        )  # fmt: skip

    def write_embeddings(self, size: int = 6) -> None:
        words = {name: [name] for name in CLASSES}
        vectors = np.random.default_rng(2).normal(size=(4, size)).astype(np.float32)
        metadata = {"classes": CLASSES, "tokens": words, "dropped": {}}
        self.embeddings.write_bytes(save({"embeddings": vectors}, {"aurl": json.dumps(metadata)}))

    def write_seen(self, kept: dict[str, bool]) -> None:
        rows = [f"{name},{keep},0.5,x,y" for name, keep in kept.items()]
        self.seen_classes.write_text("\n".join(["class,kept,distance,nearest_class,nearest_dataset", *rows, ""]))

    def fit(self, **described: Any) -> None:
        seen = self.seen()
        settings = plugins.load(METHODS, "eszsl").Settings(method="eszsl", features="network")
        method = fit_method(settings, seen, 0, self.network.load)
        text = description_of(self.network, "eszsl", seen) | described
        self.fitted.write_bytes(weights_bytes(method.weights, text))

    def seen(self) -> Any:
        return load_seen(self.network, self.features, self.embeddings, self.seen_classes)

    def weights(self, method: str = "eszsl") -> dict[str, torch.Tensor]:
        tested, classes = load_tested(self.network, self.features, self.embeddings)
        return load_weights(self.fitted, self.network, method, tested.videos, classes)


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

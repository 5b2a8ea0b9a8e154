"""The files of a method in a small experiment, for tests of what reads them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save

from aurl.experiment.methods import METHODS
from aurl.fitting.clip_features import write_clip_features
from aurl.fitting.fitted import fit_method, weights_bytes
from aurl.fitting.inputs import Network, description_of, load_seen, load_tested, load_weights
from aurl.system import plugins
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

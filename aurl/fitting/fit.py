"""Fit a method on the stored features of the seen videos: the stage `fit`."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from aurl.experiment.methods import MethodSettings
from aurl.fitting.class_sets import class_set, joined
from aurl.fitting.clip_features import read_clip_features
from aurl.methods.base import FeatureMethod, SeenVideos, load_method
from aurl.models.checkpoint import load_model
from aurl.models.zero_shot import ZeroShotModel
from aurl.pipeline.jobs import Job
from aurl.semantics.classes import read_seen_classes
from aurl.system.errors import AurlError, one_line
from aurl.system.files import write_bytes


def load_seen(features: Path, embeddings: Path, seen_classes: Path) -> SeenVideos:
    """Load the videos of the classes that the strict-label filter keeps.

    Raises: AurlError for a damaged file.
    """
    names = read_seen_classes(seen_classes, strict=True)
    kept = read_clip_features(features).of_classes(names)
    (videos,) = kept.videos.values()
    return SeenVideos(videos, kept.labels, class_set(embeddings, names))


def fit_method(
    settings: MethodSettings, seen: SeenVideos, seed: int, network: Callable[[], ZeroShotModel]
) -> FeatureMethod:
    """Make a method and fit it.

    Raises: AurlError if it learns something that is not finite.
    """
    method = load_method(settings)
    method.network = network
    torch.manual_seed(seed)
    method.fit(seen, seed)
    for name, tensor in method.weights.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise AurlError(f"method '{settings.method}': its weight '{name}' is not finite; change its settings")
    return method


def weights_bytes(weights: Mapping[str, Tensor]) -> bytes:
    """Give a method's weights as safetensors: equal weights give equal bytes."""
    return save({name: tensor.detach().contiguous() for name, tensor in weights.items()}, {"aurl": json.dumps({})})


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a method's weights. Raises: AurlError for a damaged file."""
    try:
        with safe_open(path, framework="pt") as handle:
            return {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a mapping)
    except Exception as error:  # safetensors raises its own
        raise AurlError(f"{path}: not a usable file of weights ({one_line(error)}); delete it and run again") from None


def run(job: Job) -> None:
    """Run the stage `fit`."""
    settings, inputs = job.settings["methods.{variant}"], job.inputs
    torch.set_num_threads(1)
    seen = load_seen(inputs.seen_features, inputs.seen_embeddings, inputs.seen_classes)
    if load_method(settings).MAY_SEE == "names":
        unseen = joined({name: class_set(path) for name, path in inputs.unseen_embeddings.items()})
        seen = SeenVideos(seen.videos, seen.labels, seen.classes, unseen)
    method = fit_method(settings, seen, job.wildcards["seed"], network_of(inputs.checkpoint, inputs.description))
    write_bytes(job.outputs.fitted, weights_bytes(method.weights))


def network_of(checkpoint: Path, description: Path) -> Callable[[], ZeroShotModel]:
    """Make what loads the network whose features are stored."""
    return lambda: load_model(checkpoint, description)[0]

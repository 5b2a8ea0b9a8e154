"""Fit a method on the stored features of the seen videos: the stage `fit`."""

from collections.abc import Callable
from pathlib import Path

import torch

from aurl.fitting.check import check_method
from aurl.fitting.class_sets import class_set, joined
from aurl.fitting.clip_features import read_clip_features
from aurl.fitting.fitted import fit_method, weights_bytes
from aurl.methods.base import SeenVideos, load_method
from aurl.models.checkpoint import load_model
from aurl.models.zero_shot import ZeroShotModel
from aurl.pipeline.jobs import Job
from aurl.semantics.classes import read_seen_classes
from aurl.system.files import write_bytes


def load_seen(features: Path, embeddings: Path, seen_classes: Path) -> SeenVideos:
    """Load the videos and classes that the strict-label filter keeps. Raises: AurlError for a damaged file."""
    names = read_seen_classes(seen_classes, strict=True)
    kept = read_clip_features(features).of_classes(names)
    (videos,) = kept.videos.values()
    return SeenVideos(videos, kept.labels, class_set(embeddings, names))


def run(job: Job) -> None:
    """Run the stage `fit`."""
    settings, inputs = job.settings["methods.{variant}"], job.inputs
    torch.set_num_threads(1)
    if "." in settings.method:
        check_method(settings.method)
    seen = load_seen(inputs.seen_features, inputs.seen_embeddings, inputs.seen_classes)
    if load_method(settings).MAY_SEE == "names":
        unseen = joined({name: class_set(path) for name, path in inputs.unseen_embeddings.items()})
        seen = SeenVideos(seen.videos, seen.labels, seen.classes, unseen)
    method = fit_method(settings, seen, job.wildcards["seed"], network_of(inputs.checkpoint, inputs.description))
    write_bytes(job.outputs.fitted, weights_bytes(method.weights))


def network_of(checkpoint: Path, description: Path) -> Callable[[], ZeroShotModel]:
    """Make what loads the network whose features are stored."""
    return lambda: load_model(checkpoint, description)[0]

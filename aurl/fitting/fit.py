"""Fit a method on the stored features of the seen videos: the stage `fit`."""

from dataclasses import replace

import torch

from aurl.fitting.check import check_method
from aurl.fitting.class_sets import class_set, joined
from aurl.fitting.fitted import fit_method, weights_bytes
from aurl.fitting.inputs import Network, description_of, load_seen
from aurl.fitting.objects import objects_of
from aurl.methods.base import load_method
from aurl.pipeline.jobs import Job
from aurl.system.files import write_bytes


def run(job: Job) -> None:
    """Run the stage `fit`. A method from outside is checked first."""
    settings, inputs = job.settings["methods.{variant}"], job.inputs
    torch.set_num_threads(1)
    if "." in settings.method:
        check_method(settings.method)
    network = Network(inputs.checkpoint, inputs.description)
    seen = load_seen(network, inputs.seen_features, inputs.seen_embeddings, inputs.seen_classes)
    if load_method(settings).MAY_SEE == "names":
        unseen = {name: class_set(path) for name, path in inputs.unseen_embeddings.items()}
        seen = replace(seen, unseen=joined(unseen))
    if getattr(settings, "files", None):
        seen = replace(seen, objects=objects_of(settings, seen.classes.embeddings.shape[1]))
    method = fit_method(settings, seen, job.wildcards["seed"], network.load)
    described = description_of(network, settings.method, seen)
    write_bytes(job.outputs.fitted, weights_bytes(method.weights, described))

"""Declare published weights in `params.yaml`, to replace one training or to start all of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aurl.experiment.settings import Experiment
from aurl.operate.edit_params import edit_params, spelled
from aurl.pipeline.paths import ResultPaths
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file


def declare_weights(
    params: Path, experiment: Experiment, variant: str, file: Path, force: bool = False
) -> Iterator[str]:
    """Check a file of published weights against the experiment, and name it in `params`.

    An R(2+1)D alone becomes `model.initial_backbone`; a whole network takes the place of the variant's training.

    Raises:
        AurlError: the file is not usable or not of the experiment's shape, or (without `force`) the variant has a
            checkpoint that was trained.
    """
    from aurl.models.imported import check_shape
    from aurl.models.published import read_published

    settings = experiment.variant(variant)
    published = read_published(file)
    check_shape(file, published, experiment.model, settings, experiment.semantics.encoder.dimension)
    entry = {"file": spelled(file), "sha256": sha256_file(file)}
    if published.kind == "r2plus1d":
        edit_params(params, lambda raw: raw["model"].update(initial_backbone=entry))
        yield f"{params}: model.initial_backbone is now {entry['file']}: every variant's training starts from it"
        return
    trained = _trained(ResultPaths(experiment.experiment), experiment, variant)
    if trained is not None and not force:
        raise AurlError(
            f"{trained}: variant '{variant}' has a trained checkpoint, which the import would replace; give the experiment"
            " another name in params.yaml (its results are then apart), or --force"
        )

    def replace_training(raw: Any) -> None:
        if variant in raw["trained"]:
            raw["trained"].remove(variant)
        raw["imported"][variant] = entry

    edit_params(params, replace_training)
    yield f"{params}: variant '{variant}' is now imported from {entry['file']} ({_describe(published)}), not trained"
    yield "run 'snakemake' to evaluate it on the test sets that are here"


def _trained(paths: ResultPaths, experiment: Experiment, variant: str) -> Path | None:
    """Find a checkpoint of the variant that a training wrote."""
    for seed in experiment.seeds:
        description = paths.of("description", variant=variant, seed=seed)
        if description.is_file() and "source" not in json.loads(description.read_text()):
            return paths.of("checkpoint", variant=variant, seed=seed)
    return None


def _describe(published: Any) -> str:
    parts = [f"kind {published.kind}"]
    if published.shape["seen_classes"]:
        parts.append(f"{published.shape['seen_classes']} seen classes")
    parts += [f"{name} {number}" for name, number in published.numbers.items()]
    if published.unused:
        parts.append(f"unused: {', '.join(published.unused)}")
    return ", ".join(parts)

"""Declare the shape of a model: everything that rebuilds it."""

import sys
from typing import Annotated, Any

from pydantic import Field, ValidationError

from aurl.experiment.settings import ModelSettings, NetworkSettings
from aurl.experiment.variants import Network, VariantSettings

Count = Annotated[int, Field(ge=1, le=1 << 24)]


class ModelShape(NetworkSettings):
    """Hold all that `ZeroShotModel` needs; a checkpoint's description keeps it under `model`.

    `dimension` is that of the class embeddings c(y); `seen_classes` is how many visual centres are learned (null: none).
    `network` is a part of aurl/networks, left out for the paper's network.
    """

    dimension: Count
    word_projector: bool
    seen_classes: Count | None
    network: Network = None


def shape_of(model: ModelSettings, dimension: int, word_projector: bool, seen_classes: int | None) -> ModelShape:
    """Give the shape that an experiment's settings and data decide."""
    network = {name: getattr(model, name) for name in NetworkSettings.model_fields}
    return ModelShape(**network, dimension=dimension, word_projector=word_projector, seen_classes=seen_classes)


def variant_shape(model: ModelSettings, variant: VariantSettings, dimension: int, classes: int) -> ModelShape:
    """Give the shape of a variant's model that trains on a number of classes."""
    shape = shape_of(model, dimension, variant.word_projector, classes if variant.visual_centres else None)
    return shape.model_copy(update={"network": variant.network})


def described_shape(raw: dict[str, Any]) -> ModelShape:
    """Read the shape in a checkpoint's description; older ones have R(2+1)D's keys beside the others.

    Raises: ValueError for a shape that is impossible, and for a backbone from outside that nothing has loaded so far: a
        description may come from anywhere, and must not decide which code runs.
    """
    if "backbone" not in raw:
        old: dict[str, Any] = {key: raw[key] for key in ("width", "blocks") if key in raw}
        backbone: dict[str, Any] = {"name": "r2plus1d", **old}
        raw = {"backbone": backbone} | {key: raw[key] for key in raw if key not in old}
    name = str(raw["backbone"].get("name"))
    if "." in name and name not in sys.modules:
        raise ValueError(f"its backbone {name[:60]} is from outside; set model.backbone of params.yaml to it first")
    network = raw.get("network") or {}
    name = str(network.get("name")) if isinstance(network, dict) else ""
    if "." in name and name not in sys.modules:
        raise ValueError(f"its network {name[:60]} is from outside; name it in a variant of params.yaml first")
    try:
        return ModelShape.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise ValueError(f"model.{key} = {str(first['input'])[:60]} is impossible: {first['msg']}") from None

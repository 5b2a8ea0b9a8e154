"""What a variant minimises: the parts of the loss, each by its name and weight."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from aurl.experiment.settings import ClassGeneratorSettings
from aurl.losses import (
    ClassGenerator,
    IdentityGenerator,
    contrastive,
    mean_squared_error,
    synthetic_contrastive,
)
from aurl.models.zero_shot import ZeroShotModel


class Objective:
    """The weighted loss parts of one variant: mse, seen (L_S), centres (L_C), synthetic (L_US)."""

    def __init__(
        self, weights: Mapping[Any, float], scale: float, generator: ClassGeneratorSettings | None, us_query: str
    ) -> None:
        self.weights, self.scale, self.us_query = weights, scale, us_query
        self.generator: ClassGenerator | IdentityGenerator | None = None
        if generator is not None:
            uniform = generator.mix == "uniform"
            self.generator = (
                ClassGenerator(generator.low, generator.high, generator.rows) if uniform else IdentityGenerator()
            )

    def of_videos(self, model: ZeroShotModel, videos: Tensor, classes: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Weighted parts, scalars, for video embeddings (B, d), class embeddings (K, d) and labels (B,)."""
        parts = {}
        if "mse" in self.weights:
            parts["mse"] = mean_squared_error(videos, classes[labels])
        if "seen" in self.weights:
            parts["seen"] = contrastive(videos, classes, labels, self.scale)
        if "centres" in self.weights:
            assert model.visual_centres is not None
            parts["centres"] = contrastive(videos, model.visual_centres, labels, self.scale)
        return {name: self.weights[name] * part for name, part in parts.items()}

    def of_classes(self, model: ZeroShotModel, classes: Tensor, random: torch.Generator) -> dict[str, Tensor]:
        """Weighted parts, scalars, that no video enters: L_US of class embeddings (K, d) and visual centres."""
        if "synthetic" not in self.weights:
            return {}
        assert self.generator is not None
        assert model.visual_centres is not None
        theta, z = self.generator(model.visual_centres, classes, random)
        return {"synthetic": self.weights["synthetic"] * synthetic_contrastive(theta, z, self.scale, self.us_query)}

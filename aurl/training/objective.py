"""Compute the weighted sum of a variant's loss terms."""

from collections.abc import Mapping
from typing import Any

from torch import Generator, Tensor

from aurl.experiment.variants import LOSSES, TermSettings
from aurl.losses.base import ClassBatch, FeatureBatch, Inside, VideoBatch
from aurl.models.zero_shot import ZeroShotModel
from aurl.system import plugins


class Objective:
    """Hold the loss terms of one variant by name, with the temperature lambda (`scale`)."""

    def __init__(self, terms: Mapping[str, TermSettings], scale: float) -> None:
        self.terms, self.scale = terms, scale
        self.loss = {name: plugins.load(LOSSES, name).loss for name in terms}

    def of_videos(
        self, model: ZeroShotModel, videos: Tensor, classes: Tensor, labels: Tensor, inside: Inside | None = None
    ) -> dict[str, Tensor]:
        """Compute the weighted terms that read videos (B, d), for class embeddings (K, d) and labels (B,).

        Args:
            inside: for terms that read features.
        """
        centres: Any = model.visual_centres  # None where no term reads them
        batch = VideoBatch(classes, centres, self.scale, videos, labels)
        return self._weighted(True, batch if inside is None else FeatureBatch(**vars(batch), inside=inside))

    def of_classes(self, model: ZeroShotModel, classes: Tensor, random: Generator) -> dict[str, Tensor]:
        """Compute the weighted terms that read no video, for class embeddings (K, d)."""
        centres: Any = model.visual_centres
        return self._weighted(False, ClassBatch(classes, centres, self.scale, random))

    def _weighted(self, over_videos: bool, batch: VideoBatch | ClassBatch) -> dict[str, Tensor]:
        chosen = {name: term for name, term in self.terms.items() if term.over_videos == over_videos}
        return {name: term.weight * self.loss[name](term, batch) for name, term in chosen.items()}

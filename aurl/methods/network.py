"""The network's own projectors on its stored features: the row of a network, with the columns that methods have.

    score(v, y) = cos(f_v(v), f_s(c(y)))

f_v(v) the mean over clips of the projected features, c(y) (e,) class embeddings, f_s the network's projector of words
(the identity where it has none).

Source: AURL (paper and released code): the inference of every variant. Nothing is learnt here and nothing assumed.
Scores equal the network's own row, up to rounding.
"""

from typing import TYPE_CHECKING

from aurl.methods.base import ClassSet, FeatureMethod, MethodSettings, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.models.zero_shot import ZeroShotModel


class Settings(MethodSettings):
    """It has none of its own."""


class Method(FeatureMethod):
    """Load the network when the first videos are scored."""

    OF_NETWORK = True
    settings: Settings
    _model: "ZeroShotModel | None" = None

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Learn nothing."""
        self.weights = {}

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score by the cosine of the projections: (n, clips, d), C classes -> (n, C)."""
        from aurl.models.cosine import unit

        if self._model is None:
            self._model = self.network()
        projected = self._model.project_videos(videos.flatten(0, 1)).unflatten(0, videos.shape[:2]).mean(dim=1)
        return unit(projected) @ unit(self._model.embed_classes(classes.embeddings)).T

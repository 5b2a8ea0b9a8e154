"""SJE: a bilinear form, learnt by a hinge on the hardest wrong class.

    score(v, y) = v' W s_y,    loss = mean over videos of max over y of max(0, 0.1 + score(v, y) - score(v, own))

v (d,) mean features of the clips, s_y (e,) unit class embedding, W (d, e).

Source: Akata et al., CVPR 2015, in the form of the released code of ER (margin 0.1, dropout 0.5 on both inputs).
*assumed*: features centred on the mean of the seen videos and scaled to unit length on average; steps and rate
(aurl/heads/descent.py).
"""

from typing import TYPE_CHECKING

from aurl.heads.bilinear import BilinearSettings
from aurl.methods.base import ClassSet, FeatureMethod, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor


class Settings(BilinearSettings):
    """The form's settings."""


class Method(FeatureMethod):
    """Learn W by the hinge of the hardest class."""

    ASSUMED = "features centred and scaled; steps and rate"
    settings: Settings

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Learn W by Adam."""
        from aurl.heads import ranking
        from aurl.heads.bilinear import fit_bilinear

        videos, words = seen.means, seen.classes.embeddings
        self.weights = fit_bilinear(videos, seen.labels, words, self.settings, seed, ranking.hardest)

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score by the bilinear form: (n, clips, d), C classes -> (n, C)."""
        from aurl.heads.bilinear import bilinear_scores

        return bilinear_scores(videos.mean(dim=1), classes.embeddings, self.weights)

"""Semantic transfer: a class's visual prototype is a mixture of those of the seen classes whose names are similar.

    p_y = sum over seen classes k of softmax_k(cos(s_y, s_k) / tau) p_k,    score(v, y) = cos(v, p_y)

p_k (d,) mean features of the videos of seen class k, s (e,) class embeddings.

Source: the inference of ResT (Lin et al., CVPR 2022), on the features of any network; it is not ResT, whose
transformer encodes videos and words together. *assumed*: tau = 0.2 (on 60 seen classes held out of `mini` 0.05, 0.1
and 0.2 gave 43.1, 51.7 and 56.9 %, one seed); features centred on the mean of the seen videos; all seen classes with a
video are mixed.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from aurl.methods.base import ClassSet, FeatureMethod, MethodSettings, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor


class Settings(MethodSettings):
    """The temperature tau of the softmax over name similarities.

    Attributes:
        tau: temperature of the similarity of names; small values take few seen classes.
    """

    tau: Annotated[float, Field(gt=0)] = 0.2


class Method(FeatureMethod):
    """Average the seen classes' features; learn nothing else."""

    ASSUMED = "tau; features centred"
    settings: Settings

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Average; draws nothing."""
        from aurl.heads.prototypes import class_means
        from aurl.heads.scaling import fit_scale, scaled
        from aurl.models.cosine import unit

        scale = fit_scale(seen.means)
        prototypes, present = class_means(scaled(seen.means, scale), seen.labels, len(seen.classes.names))
        self.weights = {**scale, "prototypes": prototypes, "words": unit(seen.classes.embeddings)[present]}

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score by the cosine to the mixtures: (n, clips, d), C classes -> (n, C)."""
        from aurl.heads.scaling import scaled
        from aurl.models.cosine import unit

        similar = unit(classes.embeddings) @ self.weights["words"].T / self.settings.tau
        mixed = similar.softmax(dim=1) @ self.weights["prototypes"]
        return unit(scaled(videos.mean(dim=1), self.weights)) @ unit(mixed).T

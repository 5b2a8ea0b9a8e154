"""Object scores: a class is present as far as the objects are whose names are similar to it.

    score(v, y) = sum over the T objects o with the largest cos(s_y, s_o) of cos(s_y, s_o) p(o | v)

s (e,) vectors of names, p(o | v) scores of objects.

Source: objects2action (Jain et al., ICCV 2015), object priors (Mettes et al., IJCV 2021), in the form of the released
code of UPT (T = 10). *assumed*: without a file of object scores, the objects are the seen classes, scored by a linear
classifier that is fitted on the stored features (aurl/heads/classifier.py); similarities below zero count as zero.
"""

from typing import TYPE_CHECKING

from aurl.experiment.base import Positive
from aurl.heads.classifier import ClassifierSettings
from aurl.methods.base import ClassSet, FeatureMethod, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor


class Settings(ClassifierSettings):
    """The number T of objects that speak for a class."""

    objects: Positive = 10


class Method(FeatureMethod):
    """Fit the classifier, and keep the seen classes' embeddings."""

    PUBLISHED = "Obj2act"
    ASSUMED = "objects are the seen classes, by a linear classifier on the features"
    settings: Settings

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Fit the classifier by Adam."""
        from aurl.heads.classifier import fit_classifier
        from aurl.models.cosine import unit

        words = unit(seen.classes.embeddings)
        classifier = fit_classifier(seen.means, seen.labels, len(words), self.settings, seed)
        self.weights = {"words": words, **classifier}

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Sum over each class's nearest objects: (n, clips, d), C classes -> (n, C)."""
        import torch

        from aurl.heads.classifier import probabilities
        from aurl.models.cosine import unit

        similar = (unit(classes.embeddings) @ self.weights["words"].T).clamp_min(0)
        first = similar.topk(min(self.settings.objects, similar.shape[1]), dim=1)
        speaks = torch.zeros_like(similar).scatter(1, first.indices, first.values)
        return probabilities(videos.mean(dim=1), self.weights) @ speaks.T

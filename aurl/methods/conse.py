"""ConSE: the mixture of the most probable seen classes' embeddings, compared with the class's own.

    s(v) = sum over the T most probable seen classes k of p(k | v) s_k / their sum,    score(v, y) = cos(s(v), s_y)

p(k | v) softmax over the K seen classes, s_k (e,) unit class embeddings, T = 10 (all, where there are fewer).

Source: Norouzi et al., ICLR 2014. *assumed*: the softmax is a linear classifier that is fitted on the stored features,
centred and scaled, with its recipe (aurl/heads/classifier.py); the paper takes the network's own.
"""

from typing import TYPE_CHECKING

from aurl.experiment.base import Positive
from aurl.heads.classifier import ClassifierSettings
from aurl.methods.base import ClassSet, FeatureMethod, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor


class Settings(ClassifierSettings):
    """The number T of seen classes that are mixed.

    Attributes:
        classes: T, how many seen classes are combined.
    """

    classes: Positive = 10


class Method(FeatureMethod):
    """Fit the classifier, and keep the seen classes' embeddings."""

    ASSUMED = "a linear classifier of the seen classes on the features"
    settings: Settings

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Fit the classifier by Adam."""
        from aurl.heads.classifier import fit_classifier
        from aurl.models.cosine import unit

        words = unit(seen.classes.embeddings)
        classifier = fit_classifier(seen.means, seen.labels, len(words), self.settings, seed)
        self.weights = {"words": words, **classifier}

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score by the cosine to the mixture: (n, clips, d), C classes -> (n, C)."""
        from aurl.heads.classifier import probabilities
        from aurl.models.cosine import unit

        words = self.weights["words"]
        first = probabilities(videos.mean(dim=1), self.weights).topk(min(self.settings.classes, len(words)), dim=1)
        shares = first.values / first.values.sum(dim=1, keepdim=True)
        mixed = (shares[:, :, None] * words[first.indices]).sum(dim=1)
        return unit(mixed) @ unit(classes.embeddings).T

"""Object scores: a class is present as far as the objects are whose names are similar to it.

    score(v, y) = sum over the T objects o with the largest cos(s_y, s_o) of cos(s_y, s_o) p(o | v)

s (e,) vectors of names, p(o | v) scores of objects.

Source: objects2action (Jain et al., ICCV 2015), object priors (Mettes et al., IJCV 2021), in the form of the released
code of UPT (T = 10). Object scores come from files that the user brings (`files`, in the formats of docs/scoring.md,
with the objects as classes), and the words of their names from a file of word vectors (`vectors`). *assumed*: without
them, the objects are the seen classes, scored by a linear classifier that is fitted on the stored features
(aurl/heads/classifier.py); similarities below zero count as zero.
"""

from typing import TYPE_CHECKING

from pydantic import model_validator

from aurl.experiment.base import Name, Positive
from aurl.experiment.external import ScoreFileSettings
from aurl.heads.classifier import ClassifierSettings
from aurl.methods.base import ClassSet, FeatureMethod, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor


class Settings(ClassifierSettings):
    """The number T of objects that speak for a class, and files of object scores.

    Attributes:
        objects: T.
        files: name of a test set -> its file; under the name `seen` that of the seen videos, which only corrections
            for hubs with the bank `seen` need. Videos are named as in the manifest.
        vectors: word vectors of the dataset's dimension; an object with a word that they do not know is left out.
    """

    objects: Positive = 10
    files: dict[Name, ScoreFileSettings] = {}
    vectors: ScoreFileSettings | None = None

    @model_validator(mode="after")
    def _both(self) -> "Settings":
        if bool(self.files) != (self.vectors is not None):
            raise ValueError("files and vectors need each other: scores of objects, and vectors of their names' words")
        return self


class Method(FeatureMethod):
    """Keep the vectors of the objects' names; fit the classifier where the objects are the seen classes."""

    ASSUMED = "objects are the seen classes, by a linear classifier on the features"
    settings: Settings

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Fit the classifier by Adam, unless there are files."""
        from aurl.heads.classifier import fit_classifier
        from aurl.models.cosine import unit

        if seen.objects is not None:
            self.weights = {"words": unit(seen.objects.embeddings)}
            return
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
        given = videos.mean(dim=1)
        return (given if self.settings.files else probabilities(given, self.weights)) @ speaks.T

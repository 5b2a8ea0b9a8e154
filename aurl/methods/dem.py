"""DEM: class embeddings are mapped to features, and compared there.

    f(s) = relu(relu(s A) B),    loss = mean of |v - f(s_own)|^2,    score(v, y) = -|v - f(s_y)|^2

v (d,) mean features of the clips, s_y (e,) unit class embedding, A (e, hidden), B (hidden, d), no bias.

Source: Zhang et al., CVPR 2017, in the form of the released code of ER (hidden 512, weight decay 1e-5).
*assumed*: features scaled so that they lie at distance 1 from their mean on average, not centred, since a relu gives
them; without the last relu where a feature of a seen video is negative; dropout 0.2 of the words (0.5 in the
released code; on 60 seen classes held out of `mini` 0, 0.2 and 0.5 gave 78.3, 83.3 and 77.2 %, one seed); steps and
rate (aurl/heads/descent.py).
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from aurl.experiment.base import Positive
from aurl.heads.descent import DescentSettings, Weights
from aurl.methods.base import ClassSet, FeatureMethod, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor


class Settings(DescentSettings):
    """The width of the hidden layer, and the share of inputs that dropout sets to zero.

    Attributes:
        steps: of training.
        weight_decay: of the optimiser.
        hidden: width of the middle layer.
        dropout: share of the words' embedding that training drops.
    """

    steps: Positive = 600
    weight_decay: Annotated[float, Field(ge=0)] = 1e-5
    hidden: Positive = 512
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2


class Method(FeatureMethod):
    """Learn the two layers by the squared distance."""

    ASSUMED = "features scaled; the last relu only for features that are nowhere negative; dropout, steps and rate"
    settings: Settings

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Learn A and B by Adam."""
        import torch

        from aurl.heads.descent import descend, drop, uniform
        from aurl.heads.scaling import LENGTH, fit_scale
        from aurl.models.cosine import unit

        length = fit_scale(seen.means)[LENGTH]
        features, words = seen.means / length, unit(seen.classes.embeddings)
        lowest = torch.tensor(0.0 if bool((features >= 0).all()) else float(torch.finfo(features.dtype).min))
        settings, random = self.settings, torch.Generator().manual_seed(seed)

        def loss(weights: Weights, rows: "Tensor", random: torch.Generator) -> "Tensor":
            given = drop(words[seen.labels[rows]], settings.dropout, random)
            return (features[rows] - _mapped(given, {**weights, "lowest": lowest})).square().sum(dim=1).mean()

        start = {"first": uniform(words.shape[1], settings.hidden, words.shape[1], random),
                 "second": uniform(settings.hidden, features.shape[1], settings.hidden, random)}  # fmt: skip
        self.weights = {"length": length, "lowest": lowest, **descend(start, loss, len(features), settings, random)}

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score by the negative squared distance: (n, clips, d), C classes -> (n, C)."""
        from aurl.models.cosine import unit

        features = videos.mean(dim=1) / self.weights["length"]
        places = _mapped(unit(classes.embeddings), self.weights)
        return 2 * features @ places.T - places.square().sum(dim=1) - features.square().sum(dim=1, keepdim=True)


def _mapped(words: "Tensor", weights: Weights) -> "Tensor":
    """Map class embeddings (n, e) to features (n, d)."""
    import torch

    return torch.maximum((words @ weights["first"]).relu() @ weights["second"], weights["lowest"])

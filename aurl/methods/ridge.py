"""Ridge regression from class embeddings to features, compared there by the cosine.

    W = (S S' + penalty N I)^-1 S X',    score(v, y) = cos(v, W' (s_y - s))

X (d, N) features of the seen videos, S (e, N) the unit embeddings of their classes minus the mean s, W (e, d).

Source: Shigeto et al., ECML 2015 (text to video, so that fewer classes are hubs). *assumed*: features and embeddings
centred on the seen videos; the penalty, a share of the number of videos (on 60 seen classes held out of `mini` 1e-2,
1e-3 and 1e-4 gave 70.6, 65.6 and 49.7 %, one seed); the cosine, where the paper takes the distance.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from aurl.methods.base import ClassSet, FeatureMethod, MethodSettings, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor


class Settings(MethodSettings):
    """The ridge penalty, as a share of the number of videos.

    Attributes:
        penalty: of the squared weights, as a share of the number of videos.
    """

    penalty: Annotated[float, Field(gt=0)] = 1e-2


class Method(FeatureMethod):
    """Solve for W once."""

    ASSUMED = "penalty; features and embeddings centred; cosine"
    settings: Settings

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Solve in float64; draws nothing."""
        import torch

        from aurl.heads.scaling import fit_scale, scaled
        from aurl.models.cosine import unit

        scale = fit_scale(seen.means)
        words = unit(seen.classes.embeddings).double()[seen.labels]
        middle = words.mean(dim=0)
        centred = words - middle
        penalty = self.settings.penalty * len(words) * torch.eye(words.shape[1], dtype=torch.float64)
        mapped = torch.linalg.solve(centred.T @ centred + penalty, centred.T @ scaled(seen.means, scale).double())
        self.weights = {**scale, "map": mapped.float(), "words": middle.float()}

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score by the cosine to the mapped class: (n, clips, d), C classes -> (n, C)."""
        from aurl.heads.scaling import scaled
        from aurl.models.cosine import unit

        places = (unit(classes.embeddings) - self.weights["words"]) @ self.weights["map"]
        return unit(scaled(videos.mean(dim=1), self.weights)) @ unit(places).T

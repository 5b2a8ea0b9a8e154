"""ESZSL: a bilinear map between features and class embeddings, in closed form.

    W = (X X' + gamma I)^-1 X Y S' (S S' + lambda I)^-1,    score(v, y) = v' W s_y

X (d, N) features, Y (N, K) in {0, 1}, S (e, K) unit class embeddings of the seen classes, W (d, e).

Source: Romera-Paredes and Torr, ICML 2015; gamma = 10^3 and lambda = 10^0 by the released code of ER. *assumed*: the
features are centred on the mean of the seen videos and scaled to unit length on average, since gamma has their scale.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from aurl.methods.base import ClassSet, FeatureMethod, MethodSettings, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor


class Settings(MethodSettings):
    """The two ridge penalties, as powers of ten."""

    features_penalty: Annotated[float, Field(ge=-6, le=9)] = 3.0
    words_penalty: Annotated[float, Field(ge=-6, le=9)] = 0.0


class Method(FeatureMethod):
    """Solve for W once."""

    ASSUMED = "features centred and scaled"
    settings: Settings

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Solve in float64; draws nothing."""
        import torch

        from aurl.heads.scaling import fit_scale, scaled
        from aurl.models.cosine import unit

        self.weights = fit_scale(seen.means)
        features = scaled(seen.means, self.weights).double()
        words = unit(seen.classes.embeddings).double()
        wanted = torch.nn.functional.one_hot(seen.labels, len(words)).double()
        left = features.T @ features + 10**self.settings.features_penalty * torch.eye(features.shape[1]).double()
        right = words.T @ words + 10**self.settings.words_penalty * torch.eye(words.shape[1]).double()
        middle = features.T @ wanted @ words
        self.weights["map"] = torch.linalg.solve(right, torch.linalg.solve(left, middle).T).T.float().contiguous()

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score by the bilinear form: (n, clips, d), C classes -> (n, C)."""
        from aurl.heads.scaling import scaled
        from aurl.models.cosine import unit

        return scaled(videos.mean(dim=1), self.weights) @ self.weights["map"] @ unit(classes.embeddings).T

"""Match in visual space: the words go to the backbone's features, which no video projector changes.

    v = g(x) (B, features);  s = f_s(c) (K, features)

Source: assumed; end to end what DEM (Zhang et al., CVPR 2017) does on fixed features. Matching there makes fewer hubs
(Shigeto et al., ECML 2015).
"""

from typing import TYPE_CHECKING

from aurl.networks.base import NetworkPart

if TYPE_CHECKING:
    from aurl.models.shape import ModelShape
    from aurl.models.zero_shot import ZeroShotModel


class Settings(NetworkPart):
    """Project the words only."""

    projects_words = True


def build(settings: Settings, shape: "ModelShape") -> "ZeroShotModel":
    """Build the network, initialised from torch's generator."""
    from torch import nn

    from aurl.models.zero_shot import ZeroShotModel, projector

    class VisualSpace(ZeroShotModel):
        """Embed videos as the backbone gives them, and classes by a projector of their words."""

        def build_projectors(self, shape: "ModelShape", features: int) -> int:
            """Build the word projector; returns the number of features."""
            self.video_projector = nn.Identity()
            words = nn.Linear(shape.dimension, shape.word_hidden)
            self.word_projector = nn.Sequential(words, projector(shape.word_hidden, features))
            return features

    return VisualSpace(shape)

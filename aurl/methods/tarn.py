"""TARN: clips are aligned with a class's words, and a network judges the pair.

    h_1 .. h_t = bidirectional GRU(clips),    q_w = tanh(Q w),    a_w = sum_i softmax(h' q_w / sqrt(2 h))_i h_i
    r_w = ReLU(C [(a_w - q_w)^2, a_w q_w]),    score(v, y) = J(mean over the words w of y of r_w)
    loss of an episode = mean over its videos and its classes of BCE(sigmoid(score), is it the video's class)

Clips (t, d), words (e,), Q (2 h, e), C (h, 4 h), J two layers. An episode draws some seen classes and some videos of
each; the scores of a batch of any size are those of its pairs alone.

Source: Bishay, Zoumpourlis and Patras, BMVC 2019 (arXiv 1907.09021), abstract: GRU over segments, attention for the
alignment, a learnt distance at segment level, episodes. No code is public. *assumed*: attention of each word over the
clips (the paper has one vector for a class's name), the comparison by squares and products, the mean before the last
layers, sizes, episodes and training.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from aurl.experiment.base import Positive
from aurl.methods.base import ClassSet, FeatureMethod, MethodSettings, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.heads.clip_sequences import RelationNetwork

PAIRS = 16_384  # of videos and classes, whose comparisons are in memory together


class Settings(MethodSettings):
    """The network and its episodes.

    Attributes:
        ways: classes of an episode. shots: videos of each, drawn with replacement.
        hidden: width of the recurrent layer in each direction.
        steps: episodes of training.
        rate: learning rate.
    """

    hidden: Positive = 32
    ways: Positive = 20
    shots: Positive = 3
    steps: Positive = 200
    rate: Annotated[float, Field(gt=0)] = 1e-2


class Method(FeatureMethod):
    """Judge pairs of clip sequences and words."""

    ASSUMED = "attention by single words, form of the comparison, sizes, episodes and training"
    settings: Settings

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Train on episodes of the seen classes that have videos."""
        from torch.nn import functional

        from aurl.heads.episodes import Episodes
        from aurl.heads.learning import descend, kept, seeded
        from aurl.heads.scaling import fit_scale, standardised
        from aurl.heads.word_table import word_table

        settings = self.settings
        self.weights = fit_scale(seen.means)
        words, mask = word_table(seen.classes.embeddings, seen.classes.words)
        episodes = Episodes(seen.labels)
        with seeded(seed):
            network = self._network(seen.videos.shape[2], words.shape[2])

            def loss() -> "Tensor":
                classes, rows = episodes.draw(settings.ways, settings.shots)
                states = network.states(standardised(seen.videos[rows], self.weights))
                longest = int(mask[classes].sum(dim=1).max())
                judged = network(states, words[classes, :longest], mask[classes, :longest])
                same = (seen.labels[rows][:, None] == classes).float()
                return functional.binary_cross_entropy_with_logits(judged, same)

            descend(network.parameters(), loss, settings.steps, settings.rate)
        self.weights |= kept(network)

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score all pairs: (n, clips, d), C classes -> (n, C)."""
        import torch

        from aurl.heads.learning import restore
        from aurl.heads.scaling import standardised
        from aurl.heads.word_table import word_table

        words, mask = word_table(classes.embeddings, classes.words)
        network = self._network(videos.shape[2], words.shape[2])
        restore(network, self.weights)
        parts = standardised(videos, self.weights).split(max(1, PAIRS // len(words)))
        with torch.no_grad():
            return torch.cat([network(network.states(part), words, mask) for part in parts])

    def _network(self, features: int, words: int) -> "RelationNetwork":
        from aurl.heads.clip_sequences import RelationNetwork

        return RelationNetwork(features, words, self.settings.hidden)

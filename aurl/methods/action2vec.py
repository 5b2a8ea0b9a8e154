"""Action2Vec: a hierarchical recurrent network embeds clips among words.

    l_i = last state of LSTM_1 over the i-th window of clips,   h_1 .. h_n = LSTM_2(l_1 .. l_n)
    a = A sum_i softmax(w' h)_i h_i,    score(v, y) = cos(a, c_y)
    loss = ranking(cos, margin) + weight CE(C a, y)

Clips (t, d), windows of neighbouring clips, a (e,) in the space of the class embeddings c. The ranking is a hinge over
the wrong classes of a video's batch, and over the wrong videos of its class.

Source: Hahn, Silva and Rehg, 2019 (arXiv 1901.00484), abstract and summaries: C3D features, two LSTM, attention, a
joint loss of pairwise ranking by cosine and cross-entropy. No code is public. *assumed*: windows of two clips, both
directions of the ranking, margin 0.2, equal weight of both losses over all steps (the paper changes it in between),
sizes (1,024 there), no PCA, and the training.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from aurl.experiment.base import Positive
from aurl.methods.base import ClassSet, FeatureMethod, MethodSettings, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.heads.clip_sequences import HierarchicalNetwork

Above = Annotated[float, Field(gt=0)]


class Settings(MethodSettings):
    """The network and its training.

    Attributes:
        window: clips that the first LSTM reads at a time. classification: weight of the cross-entropy.
        hidden: width of the recurrent layers.
        dropout: share of features that training drops.
        margin: of the ranking loss.
        steps: of training.
        batch: videos of a step.
        rate: learning rate.
    """

    hidden: Positive = 128
    window: Positive = 2
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3
    margin: Above = 0.2
    classification: Annotated[float, Field(ge=0)] = 1.0
    steps: Positive = 200
    batch: Positive = 128
    rate: Above = 3e-3


class Method(FeatureMethod):
    """Embed clip sequences among words."""

    ASSUMED = "windows, sizes, margin, weight of the losses and training"
    settings: Settings

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Train on the clip sequences of the seen videos."""
        from torch import nn
        from torch.nn import functional

        from aurl.heads.clip_sequences import pairwise_ranking
        from aurl.heads.learning import descend, endless_batches, kept, seeded
        from aurl.heads.scaling import fit_scale, standardised
        from aurl.models.cosine import cosine_logits

        settings, classes = self.settings, seen.classes.embeddings
        self.weights = fit_scale(seen.means)
        with seeded(seed):
            network = self._network(seen.videos.shape[2], classes.shape[1])
            classifier = nn.Linear(classes.shape[1], len(classes))
            draws = endless_batches(len(seen.labels), settings.batch)

            def loss() -> "Tensor":
                rows = next(draws)
                labels = seen.labels[rows]
                embedded = network(standardised(seen.videos[rows], self.weights))
                ranking = pairwise_ranking(cosine_logits(embedded, classes[labels], 1.0), labels, settings.margin)
                return ranking + settings.classification * functional.cross_entropy(classifier(embedded), labels)

            descend([*network.parameters(), *classifier.parameters()], loss, settings.steps, settings.rate)
        self.weights |= kept(network)

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score by the cosine with class embeddings: (n, clips, d) -> (n, C)."""
        import torch

        from aurl.heads.learning import restore
        from aurl.heads.scaling import standardised
        from aurl.models.cosine import cosine_logits

        network = self._network(videos.shape[2], classes.embeddings.shape[1])
        restore(network, self.weights)
        with torch.no_grad():
            return cosine_logits(network(standardised(videos, self.weights)), classes.embeddings, 1.0)

    def _network(self, features: int, embedding: int) -> "HierarchicalNetwork":
        from aurl.heads.clip_sequences import HierarchicalNetwork

        settings = self.settings
        return HierarchicalNetwork(features, settings.hidden, embedding, settings.window, settings.dropout)

"""GCN: a network over a graph of words gives each class a classifier's row.

    A = D^-1 max(N, N'),    h' = LeakyReLU(A h W + h L + b),    h_0 = unit class embeddings
    loss = mean over seen k of (unit(h_k) - unit(w_k))^2,    score(v, y) = cos(v, h_y)

N (M, M) has a one for each class's k nearest classes by cosine, itself included; M classes are the seen ones and those
of all test sets, so the names of unseen classes are used while it learns. w_k (d,) is the row of a linear classifier
of the seen classes, or the mean of the class's videos.

Source: Wang, Ye and Gupta, CVPR 2018; graph, layers and loss by the released code of ER (k = 5, dropout 0.5 before the
last layer, weight decay 1e-6, 200 steps of Adam at 1e-3). *assumed*: one hidden layer of 256 (ER has five of up to
1024); w_k by linear discriminant analysis on the seen features (ER has the rows of its Kinetics classifier); at `score`
a class outside the graph gets edges from its nearest classes and gives none, so that it changes no other class.
"""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from aurl.experiment.base import Positive
from aurl.methods.base import ClassSet, FeatureMethod, MethodSettings, SeenVideos

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.heads.word_graph import GraphNetwork


class Settings(MethodSettings):
    """The graph, the network and its training.

    Attributes:
        near: k nearest classes, the class itself included. target: w_k. shrinkage: of the classifier's scatter.
        hidden: widths of the hidden layers.
        dropout: share of the last layer's inputs that training drops.
        steps: of training.
        rate: learning rate.
        decay: weight decay.
    """

    near: Positive = 5
    target: Literal["classifier", "means"] = "classifier"
    shrinkage: Annotated[float, Field(gt=0)] = 1.0
    hidden: list[Positive] = [256]
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    steps: Positive = 200
    rate: Annotated[float, Field(gt=0)] = 1e-3
    decay: Annotated[float, Field(ge=0)] = 1e-6


class Method(FeatureMethod):
    """Regress classifier rows from the graph of words."""

    MAY_SEE = "names"
    ASSUMED = "one hidden layer; classifier rows by discriminant analysis; how later classes join the graph"
    settings: Settings

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Train the network on the rows of the seen classes that have videos."""
        import torch

        from aurl.heads.learning import descend, kept, seeded
        from aurl.heads.scaling import fit_scale
        from aurl.heads.word_graph import neighbour_graph
        from aurl.models.cosine import unit

        nodes = self._nodes(seen)
        graph = neighbour_graph(nodes, self.settings.near)
        self.weights = fit_scale(seen.means)
        taught, wanted = seen.labels.unique(), unit(self._targets(seen))
        with seeded(seed):
            network = self._network(nodes.shape[1], wanted.shape[1])
            descend(
                network.parameters(),
                lambda: torch.nn.functional.mse_loss(network(nodes, graph)[taught], wanted[taught]),
                self.settings.steps, self.settings.rate, self.settings.decay,
            )  # fmt: skip
        self.weights |= {"nodes": nodes, "graph": graph, **kept(network)}

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score by the cosine with the classes' rows: (n, clips, d), C classes -> (n, C)."""
        from aurl.heads.scaling import scaled
        from aurl.models.cosine import unit

        return unit(scaled(videos.mean(dim=1), self.weights)) @ self.rows(classes.embeddings).T

    def rows(self, embeddings: "Tensor") -> "Tensor":
        """Give the unit rows of classes, in the graph or not: (C, e) -> (C, d)."""
        import torch

        from aurl.heads.learning import restore
        from aurl.heads.word_graph import added_edges, places_of

        nodes, graph = self.weights["nodes"], self.weights["graph"]
        network = self._network(nodes.shape[1], len(self.weights["centre"]))
        restore(network, self.weights)
        places = places_of(embeddings, nodes)
        added = embeddings[places < 0]
        places[places < 0] = len(nodes) + torch.arange(len(added))
        edges, own = added_edges(added, nodes, self.settings.near)
        whole = torch.block_diag(graph, own * torch.eye(len(added)))
        whole[len(nodes) :, : len(nodes)] = edges
        with torch.no_grad():
            return network(torch.cat([nodes, added]), whole)[places]

    def _nodes(self, seen: SeenVideos) -> "Tensor":
        """Stack the embeddings of seen classes and of other unseen ones: (M, e)."""
        import torch

        from aurl.heads.word_graph import places_of

        nodes = seen.classes.embeddings.clone()
        if seen.unseen is None:
            return nodes
        others = seen.unseen.embeddings
        return torch.cat([nodes, others[places_of(others, nodes) < 0]])

    def _targets(self, seen: SeenVideos) -> "Tensor":
        from aurl.heads.scaling import scaled
        from aurl.heads.seen_classifier import discriminant_rows, means_or_zeros

        features, classes = scaled(seen.means, self.weights), len(seen.classes.names)
        if self.settings.target == "means":
            return means_or_zeros(features, seen.labels, classes)
        return discriminant_rows(features, seen.labels, classes, self.settings.shrinkage)

    def _network(self, words: int, features: int) -> "GraphNetwork":
        from aurl.heads.word_graph import GraphNetwork

        return GraphNetwork([words, *self.settings.hidden, features], self.settings.dropout)

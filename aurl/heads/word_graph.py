"""A graph of classes by their word vectors, and a network over it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from aurl.models.cosine import unit

SLOPE = 0.2  # of LeakyReLU, as in the released code of ER


def neighbour_graph(embeddings: Tensor, neighbours: int) -> Tensor:
    """Join each class with its nearest, in both directions; each row sums to 1.

    Args:
        embeddings: (M, e). neighbours: k by cosine, of which the class itself is the first.
    Returns: float32 (M, M).
    """
    near = unit(embeddings) @ unit(embeddings).T
    near.fill_diagonal_(torch.inf)  # a class is its own nearest, also where another has the same words
    joined = torch.zeros_like(near).scatter_(1, near.topk(min(neighbours, len(near))).indices, 1.0)
    joined = torch.maximum(joined, joined.T)
    return joined / joined.sum(dim=1, keepdim=True)


def added_edges(embeddings: Tensor, nodes: Tensor, neighbours: int) -> tuple[Tensor, float]:
    """Join added classes with their nearest nodes of a graph, in this direction only.

    Args:
        embeddings: of the added classes, (C, e). nodes: (M, e). neighbours: k, of which the class itself is one.
    Returns: float32 (C, M), and the weight of the class itself: together each row sums to 1.
    """
    near = unit(embeddings) @ unit(nodes).T
    count = min(neighbours - 1, len(nodes))
    joined = torch.zeros_like(near).scatter_(1, near.topk(count).indices, 1.0)
    return joined / (count + 1), 1 / (count + 1)


def places_of(embeddings: Tensor, nodes: Tensor) -> Tensor:
    """Find the node whose embedding equals a class's.

    Args:
        embeddings: of the classes, (C, e). nodes: (M, e).
    Returns: int64 (C,), -1 where there is none.
    """
    numbers = {row.numpy().tobytes(): number for number, row in reversed(list(enumerate(nodes)))}
    return torch.tensor([numbers.get(row.numpy().tobytes(), -1) for row in embeddings], dtype=torch.int64)


class GraphNetwork(nn.Module):
    """Layers h' = LeakyReLU(A h W + h L + b), the last without it, and unit rows.

    A is the graph, W the weights of the neighbours, L those of the class itself.
    """

    def __init__(self, sizes: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.near = nn.ModuleList(nn.Linear(*pair) for pair in zip(sizes, sizes[1:], strict=False))
        self.own = nn.ModuleList(nn.Linear(*pair, bias=False) for pair in zip(sizes, sizes[1:], strict=False))
        self.dropout = dropout

    def forward(self, nodes: Tensor, graph: Tensor) -> Tensor:
        """Give a row for every node: (M, e), (M, M) -> (M, d) of unit length."""
        rows = unit(nodes)
        for number, (near, own) in enumerate(zip(self.near, self.own, strict=True)):
            last = number == len(self.near) - 1
            rows = functional.dropout(rows, self.dropout, self.training and last)
            rows = graph @ near(rows) + own(rows)
            rows = rows if last else functional.leaky_relu(rows, SLOPE)
        return unit(rows)

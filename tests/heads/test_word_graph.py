"""The graph of classes and the layers over it, restated by hand."""

import pytest
import torch
from torch import Tensor

from aurl.heads.word_graph import GraphNetwork, added_edges, neighbour_graph, places_of

RANDOM = torch.Generator().manual_seed(0)
CLASSES = torch.randn(7, 5, generator=RANDOM)


def cosine(a: Tensor, b: Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


def nearest(row: int, count: int) -> set[int]:
    others = sorted((other for other in range(7) if other != row), key=lambda k: -cosine(CLASSES[row], CLASSES[k]))
    return {row, *others[: count - 1]}


@pytest.mark.parametrize("neighbours", [1, 3, 7, 50])
def test_the_graph_joins_neighbours_of_either_side_and_its_rows_sum_to_1(neighbours: int) -> None:
    near = {row: nearest(row, neighbours) for row in range(7)}
    expected = torch.zeros(7, 7)
    for one in range(7):
        for other in range(7):
            if other in near[one] or one in near[other]:
                expected[one, other] = 1
    expected /= expected.sum(dim=1, keepdim=True)
    torch.testing.assert_close(neighbour_graph(CLASSES, neighbours), expected)


def test_a_class_is_its_own_neighbour_also_beside_an_equal_one() -> None:
    graph = neighbour_graph(torch.ones(3, 4), 1)
    assert torch.equal(graph, torch.eye(3))


def test_added_classes_get_edges_and_give_none() -> None:
    added = torch.randn(2, 5, generator=RANDOM)
    edges, own = added_edges(added, CLASSES, 3)
    assert own == pytest.approx(1 / 3)
    for row, of_row in zip(added, edges, strict=True):
        near = sorted(range(7), key=lambda k: -cosine(row, CLASSES[k]))[:2]
        assert of_row.nonzero()[:, 0].tolist() == sorted(near)
        assert of_row.sum().item() + own == pytest.approx(1)
    assert added_edges(added, CLASSES[:1], 5)[1] == 0.5


def test_places_are_those_of_equal_embeddings() -> None:
    asked = torch.stack([CLASSES[4], CLASSES[0] + 1, CLASSES[0]])
    assert places_of(asked, CLASSES).tolist() == [4, -1, 0]
    assert places_of(CLASSES[:1], torch.stack([CLASSES[0], CLASSES[0]])).tolist() == [0]


def test_the_layers_are_those_of_the_formula() -> None:
    torch.manual_seed(1)
    network = GraphNetwork([5, 4, 3], 0.5).double().eval()
    graph = neighbour_graph(CLASSES, 3).double()
    rows = [row / row.norm() for row in CLASSES.double()]
    for number in range(2):
        near, own = network.near[number], network.own[number]
        mixed = [sum(graph[i, j] * (near.weight @ rows[j] + near.bias) for j in range(7)) + own.weight @ rows[i]
                 for i in range(7)]  # fmt: skip
        rows = [torch.where(row > 0, row, 0.2 * row) for row in mixed] if number == 0 else mixed
    expected = torch.stack([row / row.norm() for row in rows])
    torch.testing.assert_close(network(CLASSES.double(), graph), expected)


def test_dropout_acts_before_the_last_layer_while_training() -> None:
    torch.manual_seed(1)
    network, graph = GraphNetwork([5, 4, 3], 0.5), neighbour_graph(CLASSES, 3)
    assert not torch.equal(network(CLASSES, graph), network(CLASSES, graph))
    network.eval()
    assert torch.equal(network(CLASSES, graph), network(CLASSES, graph))

"""Lay out the graph of the stages in layers."""

from collections.abc import Mapping
from dataclasses import dataclass

import networkx

BOX, HEIGHT, GAP, DROP = 150, 44, 24, 34  # width and height of a box, between boxes, between layers [px]


@dataclass(frozen=True)
class StageGraph:
    """Boxes (left, top, stage, jobs) and the curves between them (SVG path data), in px."""

    width: int
    height: int
    boxes: list[tuple[int, int, str, int]]
    curves: list[str]


def lay_out_graph(stages: Mapping[str, int], edges: set[tuple[str, str]]) -> StageGraph:
    """Place the stages from top to bottom, each below all stages that it reads from.

    An edge is left out where a longer path implies it: embeddings -> features beside embeddings -> train -> features.

    Args:
        stages: stage -> number of jobs; stages of one layer keep this order.
    """
    graph = networkx.DiGraph(sorted(edges))
    graph.add_nodes_from(stages)
    shown = networkx.transitive_reduction(graph)
    order = list(stages)
    layers = [sorted(layer, key=order.index) for layer in networkx.topological_generations(shown)]
    width = max(len(layer) for layer in layers) * (BOX + GAP)
    left, top = {}, {}
    for row, layer in enumerate(layers):
        for column, stage in enumerate(layer):
            left[stage] = (width - len(layer) * (BOX + GAP) + GAP) // 2 + column * (BOX + GAP)
            top[stage] = 1 + row * (HEIGHT + DROP)
    curves = []
    for start, end in sorted(shown.edges):
        x0, y0, x1, y1 = left[start] + BOX // 2, top[start] + HEIGHT, left[end] + BOX // 2, top[end] - 5
        middle = (y0 + y1) // 2
        curves.append(f"M{x0},{y0} C{x0},{middle} {x1},{middle} {x1},{y1}")
    boxes = [(left[stage], top[stage], stage, stages[stage]) for stage in order]
    return StageGraph(width, 2 + len(layers) * (HEIGHT + DROP) - DROP, boxes, curves)

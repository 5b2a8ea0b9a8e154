"""Lay out a graph of stages or jobs in layers."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

import networkx

from aurl.evaluation.labels import counted

BOX, HEIGHT, GAP, DROP = 150, 44, 24, 34  # width and height of a box, between boxes, between layers [px]


@dataclass(frozen=True)
class Node:
    """Describe a box: its two lines, the id on the page that it leads to, and its state ("", "good" or "bad")."""

    title: str
    detail: str
    target: str
    state: str = ""


@dataclass(frozen=True)
class Box:
    """A node with the left and upper edge of its box, in px."""

    left: int
    top: int
    node: Node


@dataclass(frozen=True)
class Graph:
    """Boxes of equal width, and the curves between them (SVG path data), in px."""

    width: int
    height: int
    boxes: list[Box]
    curves: list[str]
    box: int = BOX


def lay_out_graph(nodes: Mapping[str, Node], edges: set[tuple[str, str]]) -> Graph:
    """Place the nodes from top to bottom, each below all that it reads from.

    An edge is left out where a longer path implies it: embeddings -> features beside embeddings -> train -> features.

    Args:
        nodes: key -> node; nodes of one layer keep this order.
    """
    graph = networkx.DiGraph(sorted(edges))
    graph.add_nodes_from(nodes)
    shown = networkx.transitive_reduction(graph)
    order = list(nodes)
    layers = [sorted(layer, key=order.index) for layer in networkx.topological_generations(shown)]
    width = max(len(layer) for layer in layers) * (BOX + GAP)
    left, top = {}, {}
    for row, layer in enumerate(layers):
        for column, key in enumerate(layer):
            left[key] = (width - len(layer) * (BOX + GAP) + GAP) // 2 + column * (BOX + GAP)
            top[key] = 1 + row * (HEIGHT + DROP)
    curves = []
    for start, end in sorted(shown.edges):
        x0, y0, x1, y1 = left[start] + BOX // 2, top[start] + HEIGHT, left[end] + BOX // 2, top[end] - 5
        middle = (y0 + y1) // 2
        curves.append(f"M{x0},{y0} C{x0},{middle} {x1},{middle} {x1},{y1}")
    boxes = [Box(left[key], top[key], nodes[key]) for key in order]
    return Graph(width, 2 + len(layers) * (HEIGHT + DROP) - DROP, boxes, curves)


def stage_nodes(stages: Mapping[str, int], listed: Container[str]) -> dict[str, Node]:
    """Make a node of each stage with its number of jobs; it leads to the stage's jobs, where the page lists them."""
    return {
        stage: Node(stage, counted(jobs, "job"), f"stage-{stage}" if stage in listed else "jobs")
        for stage, jobs in stages.items()
    }

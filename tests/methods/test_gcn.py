"""GCN: its nodes, the rows that it regresses, and classes that join later."""

from dataclasses import replace

import torch
from feature_world import SEEN, UNSEEN, fitted, world

from aurl.fitting.score import score_videos
from aurl.heads.scaling import scaled
from aurl.heads.seen_classifier import discriminant_rows, means_or_zeros
from aurl.heads.word_graph import neighbour_graph
from aurl.methods.base import ClassSet

FEW = {"steps": 3, "hidden": [8]}


def test_the_nodes_are_all_classes_each_once() -> None:
    seen, *_ = world()
    assert seen.unseen is not None
    first = seen.classes.embeddings[:1]
    both = ClassSet(["a seen one", *seen.unseen.names], torch.cat([first, seen.unseen.embeddings]))
    method = fitted("gcn", replace(seen, unseen=both), **FEW)
    assert torch.equal(method.weights["nodes"], torch.cat([seen.classes.embeddings, seen.unseen.embeddings]))
    assert torch.equal(method.weights["graph"], neighbour_graph(method.weights["nodes"], 5))
    assert len(fitted("gcn", replace(seen, unseen=None), **FEW).weights["nodes"]) == SEEN


def test_it_regresses_the_rows_of_a_linear_classifier_or_the_means() -> None:
    """With many steps and without dropout the rows of seen classes come near their targets."""
    seen, *_ = world()
    for target in ("classifier", "means"):
        method = fitted("gcn", seen, steps=300, hidden=[64], dropout=0.0, near=1, rate=1e-2, target=target)
        features = scaled(seen.means, method.weights)
        of_target = {
            "classifier": discriminant_rows(features, seen.labels, SEEN, 1.0),
            "means": means_or_zeros(features, seen.labels, SEEN),
        }
        rows = method.rows(seen.classes.embeddings)
        near = {name: torch.cosine_similarity(rows, row).mean().item() for name, row in of_target.items()}
        assert near[target] > 0.97
        assert near[target] == max(near.values())


def test_scores_are_cosines_with_the_rows() -> None:
    seen, videos, _, classes = world()
    method = fitted("gcn", seen, **FEW)
    features, rows = scaled(videos.mean(dim=1), method.weights), method.rows(classes.embeddings)
    expected = torch.nn.functional.cosine_similarity(features[:, None], rows, dim=2)
    torch.testing.assert_close(score_videos(method, videos, classes), expected)


def test_a_class_that_joins_later_changes_no_other() -> None:
    seen, videos, _, classes = world()
    method = fitted("gcn", replace(seen, unseen=None), **FEW)
    before = method.weights["nodes"].clone()
    everyone = method.rows(torch.cat([seen.classes.embeddings, classes.embeddings]))
    torch.testing.assert_close(everyone[:SEEN], method.rows(seen.classes.embeddings))
    torch.testing.assert_close(everyone[SEEN + 3 : SEEN + 4], method.rows(classes.embeddings[3:4]))
    assert torch.equal(method.weights["nodes"], before)
    assert score_videos(method, videos, classes).shape == (len(videos), UNSEEN)

"""Action2Vec: its score; the network and the ranking are in tests/heads/test_clip_sequences.py."""

import torch
from feature_world import fitted, world

from aurl.fitting.score import score_videos
from aurl.heads.clip_sequences import HierarchicalNetwork
from aurl.heads.learning import restore
from aurl.heads.scaling import standardised


def test_action2vec_scores_by_the_cosine_with_class_embeddings() -> None:
    seen, videos, _, classes = world()
    method = fitted("action2vec", seen, steps=3, hidden=8)
    network = HierarchicalNetwork(videos.shape[2], 8, classes.embeddings.shape[1], 2, 0.3)
    restore(network, method.weights)
    with torch.no_grad():
        embedded = network(standardised(videos, method.weights))
    expected = torch.nn.functional.cosine_similarity(embedded[:, None], classes.embeddings, dim=2)
    torch.testing.assert_close(score_videos(method, videos, classes), expected)
    assert not any(key.startswith("classifier") for key in method.weights)

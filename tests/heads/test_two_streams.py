"""ER's network and losses, restated by hand."""

import math

import pytest
import torch

from aurl.heads.two_streams import TwoStreams, match, object_words, rehearsal_loss

RANDOM = torch.Generator().manual_seed(0)
WORDS = torch.randn(4, 3, 6, generator=RANDOM)
MASK = torch.arange(3) < torch.tensor([3, 1, 2, 2])[:, None]
VIDEOS = torch.randn(2, 5, generator=RANDOM)


@pytest.fixture
def network() -> TwoStreams:
    torch.manual_seed(1)
    return TwoStreams(5, 6, 8, 0.5).eval().requires_grad_(False)


def unit(row: torch.Tensor) -> torch.Tensor:
    return row / row.norm()


def test_a_class_is_the_attention_pool_of_its_words(network: TwoStreams) -> None:
    hidden, last = network.attention[0], network.attention[2]
    classes = network.classes(WORDS, MASK)
    for row, count in enumerate([3, 1, 2, 2]):
        words = WORDS[row, :count]
        shares = [
            math.exp(last.weight[0] @ torch.relu(hidden.weight @ word + hidden.bias) + last.bias) for word in words
        ]
        pooled = sum(share / sum(shares) * word for share, word in zip(shares, words, strict=True))
        torch.testing.assert_close(classes[row], unit(network.text.weight @ pooled + network.text.bias))


def test_the_text_of_objects_is_all_their_words(network: TwoStreams) -> None:
    objects = torch.tensor([[2, 0], [1, 3]])
    texts = network.pooled(*object_words(WORDS, network.weigh(WORDS, MASK), MASK, objects))
    for row, (first, second) in enumerate(objects.tolist()):
        words = torch.cat([WORDS[first][MASK[first]], WORDS[second][MASK[second]]])[None]
        expected = network.classes(words, torch.ones(1, words.shape[1], dtype=torch.bool))
        torch.testing.assert_close(texts[row], expected[0])


def test_gates_see_both_streams(network: TwoStreams) -> None:
    objects = torch.nn.functional.normalize(torch.randn(2, 8, generator=RANDOM), dim=1)
    videos, gated = network.streams(VIDEOS, objects)
    for row in range(2):
        seen = unit(network.video.weight @ VIDEOS[row] + network.video.bias)
        both = torch.cat([seen, objects[row]])
        for gate, stream, result in ((network.video_gate, seen, videos), (network.object_gate, objects[row], gated)):
            first, last = gate[0], gate[3]
            opened = torch.sigmoid(last.weight @ torch.relu(first.weight @ both + first.bias) + last.bias)
            torch.testing.assert_close(result[row], unit(opened * stream))


def test_a_negative_match_of_objects_does_not_count() -> None:
    videos, objects = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.6, -0.8]])
    classes = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    of_videos, of_objects, both = match(videos, objects, classes)
    torch.testing.assert_close(of_videos, torch.tensor([[1.0, 0.0]]))
    torch.testing.assert_close(of_objects, torch.tensor([[0.6, -0.8]]))
    torch.testing.assert_close(both, torch.tensor([[1.6, 0.0]]))


def test_the_rehearsal_is_the_mean_log_chance_of_the_objects() -> None:
    logits = torch.randn(2, 4, generator=RANDOM, dtype=torch.float64)
    expected = 0.0
    for row, objects in enumerate([[2, 0], [1, 3]]):
        total = sum(math.exp(value) for value in logits[row])
        expected -= sum(math.log(math.exp(logits[row, each]) / total) for each in objects) / 4
    assert rehearsal_loss(logits, torch.tensor([[2, 0], [1, 3]])).item() == pytest.approx(expected)

"""Windows, ranking, alignment and the recurrent networks, restated by hand."""

import math

import pytest
import torch

from aurl.heads.clip_sequences import (
    HierarchicalNetwork,
    RelationNetwork,
    aligned,
    differences,
    pairwise_ranking,
    windows,
)

RANDOM = torch.Generator().manual_seed(0)
VIDEOS = torch.randn(2, 4, 3, generator=RANDOM)


@pytest.mark.parametrize("length", [1, 2, 4, 9])
def test_windows_are_all_runs_of_neighbouring_clips(length: int) -> None:
    taken = min(length, 4)
    expected = torch.stack([VIDEOS[:, begin : begin + taken] for begin in range(4 - taken + 1)], dim=1)
    assert torch.equal(windows(VIDEOS, length), expected)


def test_the_ranking_is_a_hinge_over_wrong_pairs_of_both_directions() -> None:
    cosines = torch.rand(4, 4, generator=RANDOM, dtype=torch.float64)
    labels = torch.tensor([0, 1, 0, 2])
    expected = 0.0
    for i in range(4):
        for j in range(4):
            if labels[i] != labels[j]:
                expected += max(0.0, float(0.2 - cosines[i, i] + cosines[i, j])) / 4
                expected += max(0.0, float(0.2 - cosines[i, i] + cosines[j, i])) / 4
    assert pairwise_ranking(cosines, labels, 0.2).item() == pytest.approx(expected)


def test_equal_videos_have_no_wrong_pair() -> None:
    assert pairwise_ranking(torch.rand(3, 3), torch.zeros(3, dtype=torch.int64), 0.2).item() == 0


def test_a_video_is_the_attended_states_of_the_second_network() -> None:
    torch.manual_seed(1)
    network = HierarchicalNetwork(3, 4, 5, 2, 0.5).eval()
    network.requires_grad_(False)
    embedded = network(VIDEOS)
    for row, clips in enumerate(VIDEOS):
        ends = torch.stack([network.local(clips[None, begin : begin + 2])[0][0, -1] for begin in range(3)])
        states = network.whole(ends[None])[0][0]
        shares = [math.exp(network.attention(state)) for state in states]
        mixed = sum(share / sum(shares) * state for share, state in zip(shares, states, strict=True))
        torch.testing.assert_close(embedded[row], network.embed(mixed))


def test_clips_are_aligned_with_each_word_and_compared() -> None:
    states, words = torch.randn(2, 4, 6, generator=RANDOM), torch.randn(3, 2, 6, generator=RANDOM)
    rows = aligned(states, words)
    pairs = differences(rows, words)
    for video in range(2):
        for number in range(3):
            for word in range(2):
                asked = words[number, word]
                shares = [math.exp(state @ asked / math.sqrt(6)) for state in states[video]]
                mixed = sum(share / sum(shares) * state for share, state in zip(shares, states[video], strict=True))
                torch.testing.assert_close(rows[video, number, word], mixed)
                expected = torch.cat([(mixed - asked) ** 2, mixed * asked])
                torch.testing.assert_close(pairs[video, number, word], expected)


def test_a_pair_is_judged_by_the_mean_over_the_words_of_the_class() -> None:
    torch.manual_seed(1)
    network = RelationNetwork(3, 6, 4)
    words, mask = torch.randn(2, 3, 6, generator=RANDOM), torch.tensor([[True, True, False], [True, True, True]])
    states = network.states(VIDEOS)
    judged = network(states, words, mask)
    for number, count in enumerate([2, 3]):
        asked = torch.tanh(network.word(words[number, :count]))
        rows = torch.relu(network.compare(differences(aligned(states, asked[None]), asked[None])))[:, 0]
        torch.testing.assert_close(judged[:, number], network.judge(rows.mean(dim=1))[:, 0])

"""Tables of words and pooling over them, restated by hand."""

import math

import pytest
import torch

from aurl.heads.word_table import attention_pool, masked_mean, word_table

WORDS = [torch.arange(8.0).reshape(2, 4), torch.ones(1, 4), torch.empty(0, 4)]
MEANS = torch.stack([WORDS[0].mean(dim=0), WORDS[1][0], torch.full((4,), 7.0)])


def test_a_table_holds_the_words_and_the_embedding_of_a_class_without() -> None:
    table, mask = word_table(MEANS, WORDS)
    assert mask.tolist() == [[True, True], [True, False], [True, False]]
    assert torch.equal(table[0], WORDS[0])
    assert table[1].tolist() == [[1] * 4, [0] * 4]
    assert table[2].tolist() == [[7] * 4, [0] * 4]


@pytest.mark.parametrize("words", [(), WORDS[:2]])
def test_words_that_do_not_fit_the_classes_count_as_none(words: list[torch.Tensor]) -> None:
    table, mask = word_table(MEANS, words)
    assert torch.equal(table, MEANS[:, None])
    assert bool(mask.all())


def test_attention_pooling_is_the_weighted_sum_of_the_words_that_count() -> None:
    random = torch.Generator().manual_seed(0)
    words = torch.randn(3, 4, 5, generator=random, dtype=torch.float64)
    logits = torch.randn(3, 4, generator=random, dtype=torch.float64)
    counts = [4, 1, 2]
    mask = torch.arange(4) < torch.tensor(counts)[:, None]
    pooled = attention_pool(words, logits, mask)
    for row, count in enumerate(counts):
        shares = [math.exp(logits[row, word]) for word in range(count)]
        expected = sum(share / sum(shares) * words[row, word] for word, share in enumerate(shares))
        torch.testing.assert_close(pooled[row], expected)


def test_a_masked_mean_is_the_mean_of_the_words_that_count() -> None:
    rows = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(4) < torch.tensor([4, 1, 2])[:, None]
    means = masked_mean(rows, mask)
    for number, count in enumerate([4, 1, 2]):
        torch.testing.assert_close(means[:, number], rows[:, number, :count].mean(dim=1))

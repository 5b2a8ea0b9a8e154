"""The words of classes as one table, and pooling over them."""

from collections.abc import Sequence

import torch
from torch import Tensor


def word_table(embeddings: Tensor, words: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Lay the words of C classes out as a table.

    A class without words has its embedding as its only word.

    Args:
        embeddings: of the classes, (C, e). words: for each class (words, e), or for another number of classes, which
            counts as none.
    Returns: float32 (C, most words, e), zeros after a class's last word; bool (C, most words), true for its words.
    """
    known = words if len(words) == len(embeddings) else [torch.empty(0)] * len(embeddings)
    rows = [own if len(own) else mean[None] for own, mean in zip(known, embeddings, strict=True)]
    counts = torch.tensor([len(own) for own in rows])
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.arange(int(counts.max())) < counts[:, None]


def attention_pool(words: Tensor, logits: Tensor, mask: Tensor) -> Tensor:
    """Average words with the softmax of their logits as weights.

    Args:
        words: (n, w, e). logits: (n, w). mask: bool (n, w), true for words that count, at least one in each row.
    Returns: (n, e).
    """
    weights = logits.masked_fill(~mask, -torch.inf).softmax(dim=1)
    return (weights[:, None] @ words)[:, 0]


def masked_mean(rows: Tensor, mask: Tensor) -> Tensor:
    """Average rows (..., w, h) where mask (..., w) is true, at least once: (..., h)."""
    share = mask.float() / mask.sum(dim=-1, keepdim=True)
    return (rows * share[..., None]).sum(dim=-2)

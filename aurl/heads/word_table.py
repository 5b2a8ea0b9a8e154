"""The words of classes as one table, and pooling over them."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from aurl.methods.base import ClassSet


def word_table(classes: "ClassSet") -> tuple[Tensor, Tensor]:
    """Lay the words of C classes out as a table; a class without words has its embedding as its only word.

    Returns: float32 (C, most words, e), zeros after a class's last word; bool (C, most words), true for its words.
    """
    known = list(classes.words) if len(classes.words) == len(classes.names) else [torch.empty(0)] * len(classes.names)
    words = [own if len(own) else mean[None] for own, mean in zip(known, classes.embeddings, strict=True)]
    counts = torch.tensor([len(own) for own in words])
    return torch.nn.utils.rnn.pad_sequence(words, batch_first=True), torch.arange(int(counts.max())) < counts[:, None]


def attention_pool(words: Tensor, logits: Tensor, mask: Tensor) -> Tensor:
    """Average words with the softmax of their logits as weights.

    Args:
        words: (n, w, e). logits: (n, w). mask: bool (n, w), true for words that count, at least one in each row.
    Returns: (n, e).
    """
    weights = logits.masked_fill(~mask, -torch.inf).softmax(dim=1)
    return (weights[:, None] @ words)[:, 0]


def masked_mean(rows: Tensor, mask: Tensor) -> Tensor:
    """Average rows (..., w, h) over the w places where mask (..., w) is true, at least one: (..., h)."""
    share = mask.float() / mask.sum(dim=-1, keepdim=True)
    return (rows * share[..., None]).sum(dim=-2)

"""ER's network: a stream of videos, a stream of objects, and texts."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from aurl.heads.word_table import attention_pool
from aurl.models.cosine import unit


class TwoStreams(nn.Module):
    """Embed videos, their objects and classes; all outputs are unit rows (n, s)."""

    def __init__(self, features: int, words: int, size: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.video = nn.Linear(features, size)
        self.attention = nn.Sequential(nn.Linear(words, words // 2), nn.ReLU(), nn.Linear(words // 2, 1))
        self.text = nn.Linear(words, size)
        self.video_gate, self.object_gate = self._gate(size), self._gate(size)

    def _gate(self, size: int) -> nn.Sequential:
        hidden = [nn.Linear(2 * size, size), nn.ReLU(), nn.Dropout(self.dropout)]
        return nn.Sequential(*hidden, nn.Linear(size, size), nn.Sigmoid())

    def weigh(self, words: Tensor, mask: Tensor) -> Tensor:
        """Give the attention logits of words: (C, w, e), (C, w) -> (C, w)."""
        logits = torch.zeros(mask.shape)
        logits[mask] = self.attention(words[mask])[:, 0]
        return logits

    def pooled(self, words: Tensor, logits: Tensor, mask: Tensor) -> Tensor:
        """Embed texts of words by attention: (n, w, e), (n, w), (n, w) -> (n, s)."""
        return unit(self.text(attention_pool(words, logits, mask)))

    def classes(self, words: Tensor, mask: Tensor) -> Tensor:
        """Embed classes by their words: (C, w, e), (C, w) -> (C, s)."""
        return self.pooled(words, self.weigh(words, mask), mask)

    def streams(self, videos: Tensor, objects: Tensor) -> tuple[Tensor, Tensor]:
        """Embed videos and gate both streams: (n, d), objects (n, s) -> two of (n, s)."""
        seen = unit(self.video(functional.dropout(videos, self.dropout, self.training)))
        both = torch.cat([seen, objects], dim=1)
        return unit(self.video_gate(both) * seen), unit(self.object_gate(both) * objects)


def object_words(table: Tensor, logits: Tensor, mask: Tensor, objects: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Join the words of each video's objects into one text.

    Args:
        table: the objects' words, (K, w, e). logits, mask: (K, w). objects: int64 (n, o), numbers of them.
    Returns: (n, o w, e), (n, o w), (n, o w).
    """
    return table[objects].flatten(1, 2), logits[objects].flatten(1), mask[objects].flatten(1)


def match(videos: Tensor, objects: Tensor, classes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compute cos(v, t), cos(o, t) and cos(v, t) + max(0, cos(o, t)).

    Args:
        videos, objects: unit rows, (n, s). classes: unit rows, (C, s).
    Returns: three of (n, C).
    """
    of_videos, of_objects = videos @ classes.T, objects @ classes.T
    return of_videos, of_objects, of_videos + of_objects.clamp_min(0)


def rehearsal_loss(logits: Tensor, objects: Tensor) -> Tensor:
    """Compute -mean log softmax(logits)[object] over each video's objects.

    Args:
        logits: (n, K). objects: int64 (n, o).
    Returns: scalar.
    """
    return -logits.log_softmax(dim=1).gather(1, objects).mean()

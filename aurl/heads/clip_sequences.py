"""Recurrent networks over the clips of a video, of any number."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from aurl.heads.word_table import masked_mean


def windows(clips: Tensor, length: int) -> Tensor:
    """Cut sequences into all windows of neighbouring clips.

    A shorter sequence is one window.

    Args:
        clips: (n, t, d). length: l.
    Returns: (n, max(1, t - l + 1), min(l, t), d).
    """
    return clips.unfold(1, min(length, clips.shape[1]), 1).transpose(2, 3)


class HierarchicalNetwork(nn.Module):
    """Read windows by one LSTM, their ends by a second, and attend over its states."""

    def __init__(self, features: int, hidden: int, embedding: int, window: int, dropout: float) -> None:
        super().__init__()
        self.window, self.dropout = window, dropout
        self.local = nn.LSTM(features, hidden, batch_first=True)
        self.whole = nn.LSTM(hidden, hidden, batch_first=True)
        self.attention = nn.Linear(hidden, 1)
        self.embed = nn.Linear(hidden, embedding)

    def forward(self, videos: Tensor) -> Tensor:
        """Embed videos: (n, t, d) -> (n, e)."""
        parts = windows(videos, self.window)
        (ends, _) = self.local(parts.flatten(0, 1))[1]
        ends = functional.dropout(ends[0], self.dropout, self.training)
        states = self.whole(ends.unflatten(0, parts.shape[:2]))[0]
        shares = self.attention(states).softmax(dim=1)
        return self.embed(functional.dropout((shares * states).sum(dim=1), self.dropout, self.training))


class RelationNetwork(nn.Module):
    """Align clips with each word of a class, compare them, and judge the pair."""

    def __init__(self, features: int, words: int, hidden: int) -> None:
        super().__init__()
        self.clips = nn.GRU(features, hidden, batch_first=True, bidirectional=True)
        self.word = nn.Linear(words, 2 * hidden)
        self.compare = nn.Linear(4 * hidden, hidden)
        self.judge = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def states(self, videos: Tensor) -> Tensor:
        """Read the clips in both directions: (n, t, d) -> (n, t, 2 h)."""
        return self.clips(videos)[0]

    def forward(self, states: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        """Judge every pair of a video and a class, higher is nearer.

        Args:
            states: (n, t, 2 h). words: (C, w, e). mask: (C, w), true for a class's words.
        Returns: (n, C).
        """
        asked = self.word(words).tanh()
        compared = functional.relu(self.compare(differences(aligned(states, asked), asked)))
        return self.judge(masked_mean(compared, mask))[..., 0]


def aligned(states: Tensor, words: Tensor) -> Tensor:
    """Average a video's clips for each word of each class, by attention.

    The weights are softmax(h' q / sqrt(h)).

    Args:
        states: (n, t, h). words: (C, w, h).
    Returns: (n, C, w, h).
    """
    near = torch.einsum("nth,cwh->ncwt", states, words) / states.shape[2] ** 0.5
    return torch.einsum("ncwt,nth->ncwh", near.softmax(dim=3), states)


def differences(clips: Tensor, words: Tensor) -> Tensor:
    """Join (h - q)^2 and h q: (n, C, w, h), (C, w, h) -> (n, C, w, 2 h)."""
    return torch.cat([(clips - words).square(), clips * words], dim=-1)


def pairwise_ranking(cosines: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Compute the hinge loss of a batch in both directions.

        mean over i of  sum over j of  max(0, m - s_ii + s_ij) + max(0, m - s_ii + s_ji),   y_j != y_i

    Args:
        cosines: s_ij of video i and the class of video j, (n, n). labels: y, int64 (n,).
    Returns: scalar.
    """
    right, wrong = cosines.diagonal(), labels[:, None] != labels
    of_words = (margin - right[:, None] + cosines).clamp_min(0)
    of_videos = (margin - right + cosines).clamp_min(0)
    return ((of_words + of_videos) * wrong).sum() / len(labels)

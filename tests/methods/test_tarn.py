"""TARN: pairs in parts, and episodes of few classes."""

import pytest
import torch
from feature_world import fitted, world

from aurl.fitting.score import score_videos
from aurl.methods import tarn


@pytest.mark.parametrize("pairs", [1, 50])
def test_tarn_scores_in_parts_what_it_scores_at_once(pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, videos, _, classes = world()
    method = fitted("tarn", seen, steps=3, hidden=8)
    whole = score_videos(method, videos, classes)
    monkeypatch.setattr(tarn, "PAIRS", pairs)
    torch.testing.assert_close(score_videos(method, videos, classes), whole)

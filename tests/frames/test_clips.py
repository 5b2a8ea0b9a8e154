"""Which frames make a clip, against a plain restatement of the rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurl.evaluation.video_embeddings import window_counts
from aurl.frames.clips import evaluation_indices, training_starts


def plain(frames: int, clips: int, length: int) -> list[list[int]]:
    period = max(frames // clips, 1)
    rows = [[(k * period + i) % frames for i in range(length)] for k in range(min(clips, frames))]
    return rows + [rows[0]] * (clips - len(rows))


@pytest.mark.parametrize("clips", [1, 3, 10, 25])
def test_evaluation_indices_follow_the_rule_at_every_length(clips: int) -> None:
    for frames in range(1, 401):
        assert evaluation_indices(frames, clips, 16).tolist() == plain(frames, clips, 16)


@given(st.integers(1, 10_000), st.integers(1, 60), st.integers(1, 64))
def test_evaluation_indices_follow_the_rule(frames: int, clips: int, length: int) -> None:
    found = evaluation_indices(frames, clips, length)
    assert found.shape == (clips, length)
    assert found.tolist() == plain(frames, clips, length)


def test_one_clip_is_the_first_frames() -> None:
    assert evaluation_indices(300, 1, 16).tolist() == [list(range(16))]
    assert evaluation_indices(5, 1, 8).tolist() == [[0, 1, 2, 3, 4, 0, 1, 2]]


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="0 frames"):
        evaluation_indices(0, 1, 16)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=20), st.integers(1, 16), st.floats(0, 1, exclude_max=True))
def test_training_starts_stay_below_the_released_bound(frames: list[int], length: int, draw: float) -> None:
    starts = training_starts(np.array(frames), length, np.full(len(frames), draw))
    assert all(0 <= start < max(1, total - length) for start, total in zip(starts, frames, strict=True))


def test_every_training_start_occurs() -> None:
    starts = training_starts(np.full(5000, 20), 16, np.random.default_rng(0).random(5000))
    assert set(starts.tolist()) == {0, 1, 2, 3}


@given(st.integers(1, 400), st.lists(st.sampled_from([1, 3, 10, 25]), min_size=1, max_size=3, unique=True))
def test_windows_are_counted_once_each(frames: int, clips: list[int]) -> None:
    counts = window_counts(frames, tuple(clips))
    for column, number in enumerate(clips):
        starts = evaluation_indices(frames, number, 1)[:, 0].tolist()
        for start, times in counts.items():
            assert times[column] == starts.count(start)
        assert sum(times[column] for times in counts.values()) == number

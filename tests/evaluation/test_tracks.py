"""Tracks: a row of a method is ranked by what it may see."""

import pytest

from aurl.evaluation.tracks import TRACK_OF, track_of
from aurl.experiment.external import TRACKS
from aurl.experiment.presets import load_preset
from aurl.experiment.settings import Experiment


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return load_preset("methods")


def test_every_track_is_a_track_of_score_files() -> None:
    assert set(TRACK_OF.values()) <= set(TRACKS)


@pytest.mark.parametrize(
    ("row", "track"),
    [("aurl", "inductive"), ("dem", "inductive"), ("gcn", "unseen names"), ("clswgan_e2e", "unseen names")],
)
def test_rows_of_the_methods_preset(experiment: Experiment, row: str, track: str) -> None:
    assert track_of(experiment, row) == track


def test_the_test_videos_as_a_bank_make_a_row_transductive(experiment: Experiment) -> None:
    corrected = experiment.methods["dem"].model_copy(update={"inference": "csls", "bank": "test"})
    changed = experiment.model_copy(update={"methods": {"dem": corrected}})
    assert track_of(changed, "dem") == "transductive"

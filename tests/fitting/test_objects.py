"""Object scores from a user's files take the place of features, and unusable files are refused in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from aurl.experiment.methods import METHODS
from aurl.fitting.check import Trial
from aurl.fitting.fitted import fit_method, score_videos
from aurl.fitting.objects import objects_of, scores_of, videos_of
from aurl.fitting.toy import draw_toy
from aurl.methods.base import ClassSet
from aurl.system import plugins
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file

OBJECTS = ["tennis ball", "horse", "xylophone"]
VECTORS = {"tennis": [1.0, 0, 0], "ball": [0, 2.0, 0], "horse": [0, 0, 3.0]}  # xylophone is unknown
SCORES = np.array([[0.7, 0.1, 0.2], [0.2, 0.8, 0.0]], np.float32)


@pytest.fixture
def settings(tmp_path: Path) -> Any:
    """The settings of a row with files: scores of three objects in two videos, and vectors of three words."""
    scores, vectors = tmp_path / "objects.npz", tmp_path / "vectors.txt"
    np.savez(scores, scores=SCORES, video=np.array(["b.mp4", "a.mp4"]), **{"class": np.array(OBJECTS)})
    lines = [f"{word} {' '.join(map(str, vector))}" for word, vector in VECTORS.items()]
    vectors.write_text("\n".join(["3 3", *lines, ""]))
    declared = {path.name: {"file": str(path), "sha256": sha256_file(path)} for path in (scores, vectors)}
    return plugins.load(METHODS, "object_scores").Settings(
        method="object_scores", features="network", objects=1,
        files={"ucf": declared["objects.npz"]}, vectors=declared["vectors.txt"],
    )  # fmt: skip


def test_objects_with_known_words_count(settings: Any) -> None:
    objects = objects_of(settings, 3)
    assert objects.names == ["horse", "tennis ball"]
    torch.testing.assert_close(objects.embeddings, torch.tensor([[0.0, 0, 1], [0.5, 0.5, 0]]))


def test_scores_by_hand(settings: Any) -> None:
    toy = draw_toy()
    seen = Trial("object_scores", toy).toy.seen
    seen = type(seen)(seen.videos, seen.labels, seen.classes, objects=objects_of(settings, 3))
    method = fit_method(settings, seen, 0, toy.network)
    classes = ClassSet(["riding", "playing"], torch.tensor([[0.0, 0.6, 0.8], [3.0, 4.0, 0.0]]))
    given = videos_of(settings, "ucf", ["a.mp4", "b.mp4"], torch.zeros(2, 5, 7), 3)
    assert given.shape == (2, 1, 2)
    scores = score_videos(method, given, classes)
    near = [0.8, (3 + 4) / 5 / 2**0.5]  # riding: horse; playing: tennis ball
    expected = torch.tensor([[near[0] * 0.8, near[1] * 0.2], [near[0] * 0.1, near[1] * 0.7]])
    torch.testing.assert_close(scores, expected)


def test_a_row_without_files_keeps_its_features(settings: Any) -> None:
    features = torch.zeros(2, 5, 7)
    plain = plugins.load(METHODS, "object_scores").Settings(method="object_scores", features="network")
    assert videos_of(plain, "ucf", ["a.mp4", "b.mp4"], features, 3) is features


def test_refused(settings: Any) -> None:
    with pytest.raises(AurlError, match="no file of 'seen'; known: ucf"):
        videos_of(settings, "seen", ["a.mp4"], torch.zeros(1, 5, 7), 3)
    with pytest.raises(AurlError, match=r"objects\.npz: no scores of 'c\.mp4', and of 0 more"):
        scores_of(settings.files["ucf"], ["a.mp4", "c.mp4"], ["horse"])
    with pytest.raises(AurlError, match=r"objects\.npz: no scores of 'violin'"):
        scores_of(settings.files["ucf"], ["a.mp4"], ["horse", "violin"])
    with pytest.raises(AurlError, match=r"vectors\.txt: .*300"):
        objects_of(settings, 300)
    Path(settings.files["ucf"].file).write_bytes(b"another file")
    with pytest.raises(AurlError, match=r"objects\.npz: its SHA-256 is"):
        objects_of(settings, 3)


def test_files_and_vectors_need_each_other(settings: Any) -> None:
    raw = settings.model_dump()
    for key in ("files", "vectors"):
        with pytest.raises(ValueError, match="files and vectors need each other"):
            type(settings).model_validate({name: value for name, value in raw.items() if name != key})

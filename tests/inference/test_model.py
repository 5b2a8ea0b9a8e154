"""A trained network from Python: numpy arrays of videos and class names, and word vectors of names."""

from pathlib import Path

import numpy as np
import pytest
import torch
from repositories import REPOSITORY
from small_network import write_network, write_video

import aurl
from aurl.evaluation.test_sets import TestSet
from aurl.experiment.settings import ComputeSettings, FrameSettings
from aurl.inference.embed import embed_files
from aurl.inference.words import embed_classes
from aurl.semantics.encoders.word2vec import Settings
from aurl.system.errors import AurlError

FRAMES = FrameSettings(size=24, quality=90, chroma="420", timeout_seconds=60)
NAMES = ["climb", "ride horse", "walk dog"]


def test_names_are_embedded_as_by_the_experiment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    vectors = str(REPOSITORY / "data/googlenews_action_subset.bin")
    encoder = Settings(name="word2vec", vectors=vectors, dimension=300, missing="error")
    monkeypatch.chdir(tmp_path)
    embedded = aurl.class_embeddings(NAMES)
    assert np.array_equal(embedded, embed_classes(NAMES, encoder))
    assert np.array_equal(embedded[[2, 0]], aurl.class_embeddings(["walk dog", "climb"]))
    glove = aurl.class_embeddings(NAMES, REPOSITORY / "data/glove100_action_subset.bin", dimension=100)
    assert glove.shape == (3, 100)


def test_official_words_stand_for_a_test_sets_classes() -> None:
    official = aurl.class_embeddings(["LongJump", "Archery"], test_set="ucf101")
    words = aurl.test_set("ucf101").words["LongJump"]
    assert np.array_equal(official[0], aurl.class_embeddings([" ".join(words)])[0])


@pytest.mark.parametrize(
    ("names", "test_set", "message"),
    [
        (["climb", "qwzx", "qwzy"], None, r"does not know 'qwzx', 'qwzy' \(2 in all\)"),
        (["climb", "-"], None, "class '-' has no word in its name"),
        (["climb"], "ucf101", r"ucf101: no words are known of class 'climb' \(1 of 1\)"),
        ([], None, "give at least one class name"),
    ],
)
def test_names_without_vectors_are_refused(names: list[str], test_set: str | None, message: str) -> None:
    with pytest.raises(AurlError, match=message):
        aurl.class_embeddings(names, test_set=test_set)


def test_a_network_encodes_videos_and_classes(tmp_path: Path) -> None:
    checkpoint, video = write_network(tmp_path / "aurl.safetensors", FRAMES), write_video(tmp_path, FRAMES)
    trained = aurl.load(checkpoint)
    videos, classes = trained.encode_videos([video, str(video)], clips=2), trained.encode_classes(NAMES)
    assert videos.dtype == classes.dtype == np.float32
    assert videos.shape[1] == classes.shape[1]
    expected = embed_files(trained.network, [video], 2, 8, FRAMES, 4, ComputeSettings(device="cpu")).embeddings
    assert np.allclose(videos, expected.numpy(), atol=1e-6)
    with torch.inference_mode():
        named = trained.network.embed_classes(torch.from_numpy(aurl.class_embeddings(NAMES)))
    assert np.array_equal(classes, named.numpy())
    of = TestSet("olympic_sports16", "Two", ("climb", "walk dog"), ("a.avi", "b.avi"), np.array([0, 1]),
                 np.zeros((2, 3), np.int8), ("climb", "walk dog"))  # fmt: skip
    result = aurl.evaluate(video_embeddings=videos, class_embeddings=classes[[0, 2]], videos=of.videos,
                           classes=of.classes, test_set=of, protocols=["all_classes"])  # fmt: skip
    assert result.rows[0].top1 == 50, "two equal videos of two classes"


def test_unusable_files_are_refused(tmp_path: Path) -> None:
    trained = aurl.load(write_network(tmp_path / "aurl.safetensors", FRAMES))
    (tmp_path / "bad.avi").write_bytes(b"no video")
    with pytest.raises(AurlError, match=r"bad.avi: .* \(1 of 1 videos\); leave them out"):
        trained.encode_videos([tmp_path / "bad.avi"])
    with pytest.raises(AurlError, match="none.safetensors"):
        aurl.load(tmp_path / "none.safetensors")

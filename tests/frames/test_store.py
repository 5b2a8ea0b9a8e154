"""The packed frame store."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurl.datasets.ingest import ingest_folder
from aurl.experiment.settings import FrameSettings
from aurl.frames.extract import extract_shard
from aurl.frames.manifest import make_manifest
from aurl.frames.packing import encode_jpegs, split_shards, stored_settings, write_index, write_shard
from aurl.frames.store import FrameStore
from aurl.frames.video import read_frames
from aurl.system.errors import AurlError

FRAMES = FrameSettings(size=32, quality=95, chroma="444", timeout_seconds=60)
SETTINGS = stored_settings(FRAMES)


@pytest.fixture
def dataset(corpus: dict[str, Path], tmp_path: Path) -> Path:
    """A folder with a manifest of three videos in two classes; returns the manifest."""
    for name, kind in (("a", "h264"), ("a", "xvid"), ("b", "rotated")):
        (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(corpus[kind], tmp_path / "set" / name)
    ingest_folder(tmp_path / "set", "class_folders", False, tmp_path / "held", tmp_path / "files.csv", 1)
    make_manifest(tmp_path / "files.csv", tmp_path / "set", "error", FRAMES, tmp_path / "set.csv")
    return tmp_path / "set.csv"


def build(manifest: Path, shards: int, name: str = "store") -> Path:
    folder = manifest.parent / name
    pairs = [(folder / "shards" / f"{n}.jpegs", folder / "shards" / f"{n}.safetensors") for n in range(shards)]
    for number, (shard, index) in enumerate(pairs):
        extract_shard(manifest, "error", manifest.parent / "set", number, shards, FRAMES, shard, index)
    write_index(pairs, SETTINGS, folder / "index.json")
    return folder / "index.json"


def test_store_holds_the_squashed_frames(dataset: Path) -> None:
    store = FrameStore(build(dataset, 2))
    assert len(store) == 3
    assert store.num_frames().tolist() == [40, 40, 40]
    original = np.concatenate(list(read_frames(dataset.parent / "set/a/h264.mp4", 40, 32)))
    stored = store.read(0, np.arange(40))
    assert stored.shape == (40, 32, 32, 3)
    assert np.abs(stored.astype(int) - original).mean() < 3  # JPEG
    repeated = store.read(0, np.array([39, 0, 0, 1]))
    np.testing.assert_array_equal(repeated, stored[[39, 0, 0, 1]])


def test_shards_do_not_change_the_frames_and_runs_repeat(dataset: Path) -> None:
    one, three, again = (build(dataset, shards, name) for shards, name in ((1, "one"), (3, "three"), (1, "again")))
    left, right = FrameStore(one), FrameStore(three)
    for video in range(3):
        np.testing.assert_array_equal(left.read(video, np.arange(40)), right.read(video, np.arange(40)))
    assert one.read_bytes() == again.read_bytes()


@given(st.integers(0, 50), st.integers(1, 12))
def test_shards_cover_every_video_once(videos: int, shards: int) -> None:
    ranges = split_shards(videos, shards)
    assert len(ranges) == shards
    assert [video for part in ranges for video in part] == list(range(videos))
    assert max(map(len, ranges)) - min(map(len, ranges)) <= 1


def test_a_changed_video_is_noticed(dataset: Path) -> None:
    with (dataset.parent / "set/a/xvid.avi").open("ab") as handle:
        handle.write(b"x")
    with pytest.raises(AurlError, match="xvid.avi: ValueError: the file has changed since"):
        build(dataset, 1)
    assert not list((dataset.parent / "store").rglob("*.jpegs*"))


def test_damage_is_named(dataset: Path) -> None:
    index = build(dataset, 1)
    shard = index.parent / "shards" / "0.jpegs"
    content = bytearray(shard.read_bytes())
    content[: len(content) // 2] = bytes(len(content) // 2)
    shard.write_bytes(content)
    with pytest.raises(AurlError, match="frame 0 of video 0 is damaged"):
        FrameStore(index).read(0, np.array([0]))
    shard.write_bytes(content[:-1])
    with pytest.raises(AurlError, match=r"0\.jpegs: missing or not the"):
        FrameStore(index)
    (index.parent / "shards" / "0.safetensors").write_bytes(b"no")
    with pytest.raises(AurlError, match="unreadable shard index"):
        FrameStore(index)


def test_an_empty_shard_is_allowed(tmp_path: Path) -> None:
    jpeg = encode_jpegs(np.zeros((1, 8, 8, 3), np.uint8), 90, "420")
    pairs = [(tmp_path / f"{n}.jpegs", tmp_path / f"{n}.safetensors") for n in range(2)]
    write_shard(*pairs[0], [])
    write_shard(*pairs[1], [jpeg])
    write_index(pairs, {**SETTINGS, "size": 8}, tmp_path / "index.json")
    store = FrameStore(tmp_path / "index.json")
    assert store.num_frames().tolist() == [1]
    assert store.read(0, np.array([0, 0])).shape == (2, 8, 8, 3)

"""Video files that are easily read wrongly: fragments, edit lists, several streams, matrices, tags, sound, cut ends."""

import json
from pathlib import Path

import differential
import numpy as np
import odd_media
import pytest

from aurl.datasets.ingest import find_videos, ingest_folder
from aurl.datasets.table import iterate_table
from aurl.experiment.settings import FrameSettings
from aurl.frames import extract
from aurl.frames.extract import extract_shard
from aurl.frames.manifest import make_manifest
from aurl.frames.orientation import matrix_orientation, upright
from aurl.frames.packing import stored_settings, write_index
from aurl.frames.store import FrameStore, frames_left_out
from aurl.frames.usable import labels_with_frames
from aurl.frames.video import _agreeing_decord, probe, read_frames
from aurl.system.errors import AurlError

FRAMES = FrameSettings(size=32, quality=95, chroma="444", timeout_seconds=60)
ODD = list(differential.odd_files())
SAMPLE = ODD[:: len(ODD) // 24]
ONE = 65536


@pytest.mark.parametrize("odd", SAMPLE, ids=[odd.name for odd in SAMPLE])
def test_both_readers_give_the_frames_of_a_sequential_read(tmp_path: Path, odd: differential.Odd) -> None:
    assert differential.check(odd, tmp_path) == ""


def shown(path: Path, size: int = 64) -> np.ndarray:
    found = probe(path)
    return np.concatenate(list(read_frames(path, found.frames, size, found.rotation)))


def is_shown(path: Path, numbers: range) -> bool:
    """Whether the frames are these pictures, in the mean of each within 5 of 255."""
    frames = shown(path, odd_media.HEIGHT)
    pictures = np.stack([odd_media.picture(number, odd_media.HEIGHT, odd_media.HEIGHT) for number in numbers])
    return frames.shape == pictures.shape and np.abs(frames.astype(int) - pictures).mean(axis=(1, 2, 3)).max() < 5


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("fragment", ["120000", "500000", "1000000"])
def test_fragments_that_begin_anywhere(tmp_path: Path, codec: str, fragment: str) -> None:
    muxer = {"movflags": "dash+empty_moov", "frag_duration": fragment}
    path = odd_media.write(tmp_path / "a.mp4", range(60), codec, {"g": "250"}, muxer=muxer)
    assert (probe(path).status, probe(path).frames) == ("ok", 60)
    assert is_shown(path, range(60))
    assert _agreeing_decord(path, 60, 64) is None
    assert _agreeing_decord(odd_media.write(tmp_path / "b.mp4", range(60), codec), 60, 64) is not None


@pytest.mark.parametrize(("first", "suffix"), [(30, "mp4"), (41, "mov")])
def test_an_edit_list_hides_the_lead_in(tmp_path: Path, first: int, suffix: str) -> None:
    whole = odd_media.write(tmp_path / "whole.mp4", range(70), options={"g": "25"})
    path = odd_media.copy_from(tmp_path / f"cut.{suffix}", whole, first)
    found = probe(path)
    assert (found.status, found.frames, found.rate) == ("ok", 70 - first, 25)
    assert is_shown(path, range(first, 70))


@pytest.mark.parametrize(("suffix", "codec", "audio"), [
    ("mkv", "libx264", "aac"), ("webm", "libvpx", "libopus"), ("flv", "libx264", "aac"), ("avi", "mpeg4", "pcm_s16le"),
])  # fmt: skip
def test_sound_longer_than_the_picture(tmp_path: Path, suffix: str, codec: str, audio: str) -> None:
    path = odd_media.write(tmp_path / f"a.{suffix}", range(50), codec, sound=audio)
    found = probe(path)
    assert (found.status, found.reason, found.frames, found.rate, found.duration) == ("ok", "", 50, 25, 2)


def test_sparse_frames_have_a_true_rate(tmp_path: Path) -> None:
    found = probe(odd_media.write(tmp_path / "a.mkv", times=odd_media.SPARSE))
    assert (found.status, found.frames) == ("ok", 20)
    assert found.duration == pytest.approx(70 / 25)
    assert found.rate == pytest.approx(20 / (70 / 25))


@pytest.mark.parametrize("suffix", ["mkv", "avi", "flv", "mp4", "ts", "ogv", "wmv", "gif", "live.mkv", "frag.mp4"])
def test_files_that_are_cut_off_stay_partial(tmp_path: Path, suffix: str) -> None:
    codec = {"ts": "mpeg2video", "ogv": "libvpx", "wmv": "wmv2", "gif": "gif"}.get(suffix, "libx264")
    movflags = {"mp4": "faststart", "frag.mp4": "empty_moov+frag_keyframe"}.get(suffix)
    muxer = {"movflags": movflags} if movflags else {"live": "1"} if suffix == "live.mkv" else {}
    path = odd_media.write(
        tmp_path / f"a.{suffix}", range(60), codec, {"g": "12"}, muxer=muxer, container="ogg" if suffix == "ogv" else None,
        pix_fmt="rgb8" if suffix == "gif" else "yuv420p",
    )  # fmt: skip
    assert probe(path).status == "ok"
    found = probe(odd_media.shortened(path, 0.7013))
    assert found.status == "partial"
    assert 0 < found.frames < 60
    assert found.reason


def test_covers_and_previews_are_not_the_video(tmp_path: Path) -> None:
    cover = odd_media.with_cover(tmp_path / "cover.mp4")
    preview = odd_media.two_streams(tmp_path / "preview.mkv", ("mjpeg", [777]), ("libx264", range(30)))
    two = odd_media.two_streams(tmp_path / "two.mp4", ("libx264", range(500, 520)), ("libx264", range(30)))
    for path, frames in ((cover, 20), (preview, 30), (two, 30)):
        found = probe(path)
        assert (found.status, found.frames) == ("ok", frames)
        assert found.reason == "of 2 video streams, stream 1 is used (h264, 96x64)"
        assert is_shown(path, range(frames))


@pytest.mark.parametrize(("degrees", "mirrored", "expected"), [
    (0, False, 0), (90, False, 270), (270, False, 90), (90.1, False, 270), (270.4, False, 90), (3, False, 0),
    (180.3, False, 180), (0, True, 360), (180, True, 540), (90, True, 630), (271, True, 450),
])  # fmt: skip
def test_matrices(tmp_path: Path, degrees: float, mirrored: bool, expected: int) -> None:
    path = odd_media.turned(tmp_path / "a.mp4", degrees, mirrored)
    found = probe(path)
    assert (found.status, found.rotation) == ("ok", expected)
    assert ("mirrored" in found.reason) == mirrored
    plain = np.stack([odd_media.picture(number, 64, 64) for number in range(20)])
    quarters = round(degrees / 90) % 4
    turned = np.rot90(plain, -quarters, axes=(1, 2))
    if mirrored:
        turned = turned[:, :, ::-1]
    assert np.abs(shown(path).astype(int) - turned).mean(axis=(1, 2, 3)).max() < 5


def test_orientation_of_scaled_and_broken_matrices() -> None:
    assert matrix_orientation(0, 2 * ONE, 0, -ONE, 0) == 270
    assert matrix_orientation(0, 0, 0, 0, 0) == 0
    frames = np.arange(2 * 3 * 3 * 3).reshape(2, 3, 3, 3)
    np.testing.assert_array_equal(upright(frames, 540), frames[:, ::-1])


@pytest.mark.parametrize("tag", ["transfer=log100", "colormatrix=YCgCo", "colormatrix=bt2020c", "colormatrix=ictcp",
                                 "colormatrix=GBR", "colormatrix=chroma-derived-c"])  # fmt: skip
def test_colour_tags_that_the_scaler_refuses(tmp_path: Path, tag: str) -> None:
    path = odd_media.write(tmp_path / "a.mp4", options={"x264-params": tag})
    assert probe(path).status == "ok"
    assert is_shown(path, range(20))


def dataset(folder: Path) -> Path:
    for name in ("a/1.mp4", "a/2.mp4", "b/3.mp4"):
        odd_media.write(folder / "set" / name, range(12))
    ingest_folder(folder / "set", "class_folders", False, folder / "held", folder / "files.csv", 1)
    make_manifest(folder / "files.csv", folder / "set", "leave_out", FRAMES, folder / "set.csv")
    return folder / "set.csv"


def extracted(manifest: Path, broken: str) -> Path:
    shard, index = manifest.with_name("0.jpegs"), manifest.with_name("0.safetensors")
    extract_shard(manifest, broken, manifest.with_name("set"), 0, 1, FRAMES, shard, index)
    write_index([(shard, index)], stored_settings(FRAMES), manifest.with_name("index.json"))
    return manifest.with_name("index.json")


def test_a_video_that_cannot_be_extracted_is_left_out_named_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = dataset(tmp_path)
    whole = extracted(manifest, "leave_out")
    assert "left_out" not in json.loads(whole.read_text())

    def fails(path: Path, *_: object) -> object:
        if path.name in broken:
            raise ValueError("no way")
        return read_frames(path, 12, 32)

    broken = {"2.mp4"}
    monkeypatch.setattr(extract, "read_frames", fails)
    index = extracted(manifest, "leave_out")
    store = FrameStore(index)
    assert store.num_frames().tolist() == [12, 0, 12]
    assert frames_left_out(index) == {"a/2.mp4": "ValueError: no way"}
    assert "2.mp4: its frames cannot be extracted: ValueError: no way; left out" in capsys.readouterr().err
    assert labels_with_frames(manifest, "leave_out", ["a", "b"], store).tolist() == [0, -1, 1]
    with pytest.raises(AurlError, match=r"2\.mp4: ValueError: no way"):
        extracted(manifest, "error")
    broken |= {"1.mp4"}
    store = FrameStore(extracted(manifest, "leave_out"))
    with pytest.raises(AurlError, match="no video of class 'a' could be extracted"):
        labels_with_frames(manifest, "leave_out", ["a", "b"], store)


def test_a_file_that_has_changed_is_never_left_out(tmp_path: Path) -> None:
    manifest = dataset(tmp_path)
    (tmp_path / "set/a/2.mp4").write_bytes(b"other")
    with pytest.raises(AurlError, match="has changed"):
        extracted(manifest, "leave_out")


@pytest.mark.parametrize("suffix", ["3gp", "3G2", "ts", "M2TS", "mts", "vob", "ogv", "GIF"])
def test_unusual_suffixes_are_taken(tmp_path: Path, suffix: str) -> None:
    kind = suffix.lower()
    codec = {"ogv": "libvpx", "gif": "gif", "vob": "mpeg2video", "ts": "mpeg2video"}.get(kind, "libx264")
    container = {"3g2": "3g2", "ogv": "ogg", "mts": "mpegts", "m2ts": "mpegts", "gif": "gif"}.get(kind)
    pix_fmt = "rgb8" if kind == "gif" else "yuv420p"
    options = odd_media.VP8 if kind == "ogv" else {"b": "4M"} if codec == "mpeg2video" else {}
    path = odd_media.write(
        tmp_path / f"set/a/x.{suffix}", codec=codec, options=options, container=container, pix_fmt=pix_fmt
    )
    assert [video.path for video in find_videos(tmp_path / "set", "class_folders")] == [f"a/x.{suffix}"]
    assert (probe(path).status, probe(path).frames) == ("ok", 20)
    assert is_shown(path, range(20)) or kind == "gif"  # which has few colours


def test_files_passed_over_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a/x.mp4", "a/notes.txt", "a/.DS_Store", "a/more/y.mp4", "readme", "b/z.avi"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert len(find_videos(tmp_path, "class_folders")) == 2
    told = capsys.readouterr().err
    assert (
        "3 files passed over, not taken as videos (.mp4: 1, .txt: 1, no suffix: 1): a/more/y.mp4, a/notes.txt" in told
    )


def test_manifest_leaves_an_unknown_rate_empty(tmp_path: Path) -> None:
    dataset(tmp_path)
    (tmp_path / "set/a/2.mp4").write_bytes(b"")
    make_manifest(tmp_path / "files.csv", tmp_path / "set", "leave_out", FRAMES, tmp_path / "again.csv")
    rows = {row["path"]: row for row in iterate_table(tmp_path / "again.csv")}
    assert (rows["a/2.mp4"]["rate"], rows["a/2.mp4"]["duration"]) == ("", "")
    assert rows["a/1.mp4"]["rate"] == "25.000000"

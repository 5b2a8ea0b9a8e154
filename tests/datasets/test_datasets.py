"""Layouts, ingest, rendered files and the manifest."""

import hashlib
import shutil
from pathlib import Path

import av
import pytest

from aurl.datasets.ingest import find_videos, ingest_folder, render_dataset
from aurl.datasets.table import iterate_table, iterate_usable, usable_labels
from aurl.experiment.settings import FrameSettings, RenderSettings
from aurl.frames.manifest import make_manifest
from aurl.system.errors import AurlError

WORLD = RenderSettings(classes_of="ucf101", classes=2, videos_per_class=2, frames=(9, 12), codec="h264")
FRAMES = FrameSettings(size=16, quality=90, chroma="420", timeout_seconds=60)


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_official_layouts_and_awkward_names(tmp_path: Path) -> None:
    touch(
        tmp_path / "ucf/Archery/v_Archery_g01_c02.avi", tmp_path / "ucf/Archery/v_Archery_g01_c01.avi",
        tmp_path / "ucf/HandstandPushups/v_HandStandPushups_g01_c01.avi", tmp_path / "ucf/.cache/x.avi",
        tmp_path / "hmdb/golf/Tips_-_300+_Yards!!!_(HQ)_golf_f_nm_np1_fr_med_0.avi", tmp_path / "hmdb/golf/notes.txt",
        tmp_path / "k/train/tai_chi/a b.mp4", tmp_path / "k/train/using segway/x'$(y)\"[1].MKV",
    )  # fmt: skip
    ucf = find_videos(tmp_path / "ucf", "ucf101")
    assert [(video.path, video.class_name) for video in ucf] == [
        ("Archery/v_Archery_g01_c01.avi", "Archery"),
        ("Archery/v_Archery_g01_c02.avi", "Archery"),
        ("HandstandPushups/v_HandStandPushups_g01_c01.avi", "HandstandPushups"),
    ]
    assert [video.class_name for video in find_videos(tmp_path / "hmdb", "hmdb51")] == ["golf"]
    kinetics = find_videos(tmp_path / "k", "kinetics700")
    assert [(video.path, video.class_name) for video in kinetics] == [
        ("train/tai_chi/a b.mp4", "tai chi"),
        ("train/using segway/x'$(y)\"[1].MKV", "using segway"),
    ]


@pytest.mark.parametrize(
    ("files", "layout", "message"),
    [
        (["Biking/v_Archery_g01_c01.avi"], "ucf101", "not a UCF101 file name of class Biking"),
        (["golf/x_wave_f_nm_np1_fr_med_0.avi"], "hmdb51", "not an HMDB51 file name of class golf"),
        (["a/x.mp4", "empty/readme.txt"], "class_folders", "empty: the class has no video file"),
        (["a/x\ny.mp4"], "class_folders", "line break"),
        (["readme.txt"], "class_folders", "no class folders with videos"),
    ],
)
def test_folders_that_are_not_what_they_should_be(tmp_path: Path, files: list[str], layout: str, message: str) -> None:
    touch(*(tmp_path / name for name in files))
    with pytest.raises(AurlError, match=message):
        find_videos(tmp_path, layout)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(AurlError, match="no such folder"):
        find_videos(tmp_path / "none", "ucf101")


def test_ingest_lists_and_copies(tmp_path: Path) -> None:
    touch(tmp_path / "videos/b c/1.mp4", tmp_path / "videos/a/2.avi")
    held, listing = tmp_path / "held", tmp_path / "list.csv"
    ingest_folder(tmp_path / "videos", "class_folders", False, held, listing, 1)
    assert [path.name for path in held.iterdir()] == ["README.txt"]
    ingest_folder(tmp_path / "videos", "class_folders", True, held, listing, 1)
    rows = list(iterate_table(listing))
    assert [row["path"] for row in rows] == ["a/2.avi", "b c/1.mp4"]
    assert {row["sha256"] for row in rows} == {hashlib.sha256(b"x").hexdigest()}
    assert sorted(path.relative_to(held).as_posix() for path in held.rglob("*.*")) == ["a/2.avi", "b c/1.mp4"]


def test_a_failed_ingest_leaves_the_old_one(tmp_path: Path) -> None:
    touch(tmp_path / "videos/a/1.mp4")
    held, listing = tmp_path / "held", tmp_path / "list.csv"
    ingest_folder(tmp_path / "videos", "class_folders", True, held, listing, 1)
    before = listing.read_bytes()
    (tmp_path / "videos/b").mkdir()
    with pytest.raises(AurlError, match="has no video file"):
        ingest_folder(tmp_path / "videos", "class_folders", True, held, listing, 1)
    assert listing.read_bytes() == before
    assert (held / "a/1.mp4").is_file()


@pytest.mark.parametrize(("codec", "name", "tag"), [("h264", "h264", "avc1"), ("xvid", "mpeg4", "XVID")])
def test_rendered_files_are_real(tmp_path: Path, codec: str, name: str, tag: str) -> None:
    videos = render_dataset(tmp_path, WORLD.model_copy(update={"codec": codec}))
    with av.open(str(tmp_path / videos[0].path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.codec_tag) == (name, tag)
        assert 9 <= sum(1 for _ in container.decode(video=0)) <= 12


def manifest_of(folder: Path, tmp_path: Path, broken: str) -> Path:
    listing, output = tmp_path / "set.csv", tmp_path / f"manifest_{broken}.csv"
    ingest_folder(folder, "class_folders", False, tmp_path / "held", listing, 1)
    make_manifest(listing, folder, broken, FRAMES, output)
    return output


@pytest.fixture
def mixed(corpus: dict[str, Path], tmp_path: Path) -> Path:
    """A dataset of two classes with every kind of broken file among good ones."""
    folder = tmp_path / "mixed"
    for name in ("good", "mixed"):
        (folder / name).mkdir(parents=True)
    shutil.copy(corpus["h264"], folder / "good")
    for kind in ("xvid", "truncated_avi", "truncated_mp4", "zero_bytes", "no_video", "audio_only"):
        shutil.copy(corpus[kind], folder / "mixed" / f"{kind}{corpus[kind].suffix}")
    return folder


def test_broken_files_stop_the_run_by_default(mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(AurlError) as caught:
        manifest_of(mixed, tmp_path, "error")
    first_line = str(caught.value).splitlines()[0]
    assert str(mixed / "mixed/audio_only.mp4") in first_line
    assert "no-video" in first_line
    assert "5 of 7 videos" in first_line
    assert "datasets.set.broken" in first_line
    for kind in ("truncated_avi.avi", "truncated_mp4.mp4", "zero_bytes.mp4", "no_video.mp4"):
        assert kind in str(caught.value)
    assert not (tmp_path / "manifest_error.csv").exists()


def test_broken_files_are_listed_and_left_out(mixed: Path, tmp_path: Path) -> None:
    manifest = manifest_of(mixed, tmp_path, "leave_out")
    status = {row["path"]: row["status"] for row in iterate_table(manifest)}
    assert status["mixed/zero_bytes.mp4"] == "empty"
    assert status["mixed/audio_only.mp4"] == "no-video"
    assert status["mixed/truncated_avi.avi"] == "partial"
    used = {
        broken: [row["path"] for row in iterate_usable(manifest, broken)] for broken in ("leave_out", "keep_partial")
    }
    assert used["leave_out"] == ["good/h264.mp4", "mixed/xvid.avi"]
    assert "mixed/truncated_avi.avi" in used["keep_partial"]
    assert usable_labels(manifest, "leave_out", ["mixed"]).tolist() == [-1, 0]


def test_a_class_without_a_usable_video_is_an_error(corpus: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    for name, kind in (("a", "h264"), ("b", "zero_bytes")):
        (folder / name).mkdir(parents=True)
        shutil.copy(corpus[kind], folder / name)
    with pytest.raises(AurlError, match="class 'b' of dataset 'set' has no usable video"):
        manifest_of(folder, tmp_path, "leave_out")


def test_a_class_called_nan_stays_text(corpus: dict[str, Path], tmp_path: Path) -> None:
    for name in ("nan", "None"):
        (tmp_path / "videos" / name).mkdir(parents=True)
        shutil.copy(corpus["h264"], tmp_path / "videos" / name)
    manifest = manifest_of(tmp_path / "videos", tmp_path, "error")
    rows = list(iterate_usable(manifest, "error"))
    assert [(row["class"], row["frames"]) for row in rows] == [("None", "40"), ("nan", "40")]


@pytest.mark.parametrize(
    "content",
    [b"", b"path,class", b"path,class\na.mp4,x\nb.mp4", b"path,kind\na,b\n", b"\xff\xfe\x00\n", b"path,class\na,b,c,d\n",
     b'path,class\n"a,b\n', b"path,class\n../a.mp4,x\n", b"path,class\n/a.mp4,x\n", b"path,class,frames\na.mp4,x,-1\n",
     b"path,class,rate\na.mp4,x,nan\n", b"<html>\n", b"\x00" * 99 + b"\n"],
)  # fmt: skip
def test_a_damaged_listing_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(
        AurlError, match=r"list.csv: unreadable \(.*\); make it again \('snakemake --force -- "
    ) as caught:
        list(iterate_table(path))
    assert "\n" not in str(caught.value)

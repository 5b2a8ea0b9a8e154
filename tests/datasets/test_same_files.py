"""The same file in two classes or datasets, and class names that differ in their spelling alone."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from aurl.datasets.class_names import spelling, suggest
from aurl.datasets.ingest import find_videos, ingest_folder
from aurl.datasets.same_files import list_same, same_files
from aurl.experiment.settings import DatasetSettings, SourceSettings
from aurl.report.table_notes import describe_dataset, describe_same
from aurl.semantics.tokens import class_tokens
from aurl.system.errors import AurlError


def place(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_the_same_file_in_two_classes_is_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"a/1.mp4": b"x", "a/2.mp4": b"x", "b/3.mp4": b"y", "c/4.mp4": b"x", "c/5.mp4": b"z"}
    source = place(tmp_path / "set", files)
    ingest_folder(source, "class_folders", False, tmp_path / "copies", tmp_path / "set.csv", 1)
    assert "same file (SHA-256) in several classes: a/1.mp4 = a/2.mp4 = c/4.mp4\n" in capsys.readouterr().err
    assert same_files({"set": tmp_path / "set.csv"}) == [["a/1.mp4", "a/2.mp4", "c/4.mp4"]]


def test_the_same_file_twice_in_one_class_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = place(tmp_path / "set", {"a/1.mp4": b"x", "a/2.mp4": b"x", "b/3.mp4": b"y"})
    ingest_folder(source, "class_folders", False, tmp_path / "copies", tmp_path / "set.csv", 1)
    assert "same file" not in capsys.readouterr().err


def manifest(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    lines = [f"{name},{name.split('/')[0]},{status},{digest}" for name, status, digest in rows]
    path.write_text("\n".join(["path,class,status,sha256", *lines]) + "\n")
    return path


def test_the_same_file_in_two_datasets_becomes_a_note(tmp_path: Path) -> None:
    source = SourceSettings(folder="x")
    settings = DatasetSettings(source=source, tokens="words", broken="leave_out", shards=1)
    seen = manifest(tmp_path / "s.csv", [("dance/a1.mp4", "ok", "aa"), ("ski/b1.mp4", "ok", "bb")])
    test = [("dance/c1.mp4", "ok", "aa"), ("ski/d1.mp4", "unreadable", "bb"), ("walk/e1.mp4", "ok", "cc")]
    unseen = manifest(tmp_path / "u.csv", test)
    both = {"seen": settings, "unseen": settings}
    note = "The same file (SHA-256) in several datasets or classes: seen/dance/a1.mp4 = unseen/dance/c1.mp4."
    assert describe_same({"seen": seen, "unseen": unseen}, both) == [note]
    assert describe_same({"seen": seen}, both) == []


def test_equal_classes_become_a_part_of_the_datasets_note(tmp_path: Path) -> None:
    rows = [(f"{name}/1.mp4", "ok", "") for name in ("jump rope", "jump_rope", "ski")]
    embeddings = tmp_path / "x.safetensors"
    vectors = np.array([[1, 2], [1, 2], [2, 1]], np.float32)
    words = {"jump rope": ["jump", "rope"], "jump_rope": ["jump", "rope"], "ski": ["ski"]}
    described = {"aurl": json.dumps({"classes": sorted(words), "tokens": words, "dropped": {}})}
    embeddings.write_bytes(save({"embeddings": vectors}, described))
    settings = DatasetSettings(source=SourceSettings(folder="x"), tokens="words", broken="leave_out", shards=1)
    note = describe_dataset("own", settings, manifest(tmp_path / "x.csv", rows), embeddings)
    assert note.endswith("; classes with equal words, of which only one can be predicted: 'jump rope' = 'jump_rope'")


def test_long_lists_of_same_files_are_cut() -> None:
    listed = list_same([[f"a/{number}", f"b/{number}"] for number in range(1000)])
    assert listed.startswith("a/0 = b/0; ")
    assert listed.endswith("; and 980 more")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("HandStandPushups", "HandstandPushups"), ("brush_hair", " Brush  hair "), ("a\tb", "a b"),
        (unicodedata.normalize("NFD", "é"), "É"), ("ß", "SS"),
    ],
)  # fmt: skip
def test_spellings_of_one_name_are_equal(left: str, right: str) -> None:
    assert spelling(left) == spelling(right)


@pytest.mark.parametrize("name", ["HandStandPushups", "handstandpushups", "HandstandPushups ", "HANDSTANDPUSHUPS"])
def test_every_spelling_of_a_folder_passes_layout_and_tokens(tmp_path: Path, name: str) -> None:
    place(tmp_path, {f"{name}/v_HandStandPushups_g01_c01.avi": b"x"})
    (video,) = find_videos(tmp_path, "ucf101")
    assert video.class_name == name
    assert class_tokens([name], "ucf101") == {name: class_tokens(["HandstandPushups"], "ucf101")["HandstandPushups"]}


@pytest.mark.parametrize("name", ["brush_hair", "Brush_Hair", "brush hair", "brush_hair "])
def test_every_spelling_passes_hmdb51(tmp_path: Path, name: str) -> None:
    place(tmp_path, {f"{name}/x_Brush_hair_f_nm_np1_fr_med_0.avi": b"x"})
    assert [video.class_name for video in find_videos(tmp_path, "hmdb51")] == [name]
    assert class_tokens([name], "hmdb51") == {name: ["brush", "hair"]}


def test_all_unknown_names_are_listed_with_what_they_may_mean() -> None:
    with pytest.raises(AurlError) as caught:
        class_tokens(["Archry", "Basketball", "Apply Eye Makeup", "Xylophone"], "ucf101")
    expected = "'Archry' (did you mean 'Archery'?), 'Apply Eye Makeup' (did you mean 'ApplyEyeMakeup'?), 'Xylophone'"
    assert f"has no class {expected} (3 unknown of 4)" in str(caught.value)
    assert suggest(["zzz"], ["Archery"]) == "'zzz'"

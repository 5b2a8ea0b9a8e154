"""What two sides share: names by kind, near classes, equal files, YouTube ids; each kind of side."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from repositories import REPOSITORY
from word_vectors import binary

import aurl
from aurl.cli import cli
from aurl.datasets.class_names import spelling
from aurl.overlap.report import compare, youtube_id
from aurl.overlap.side import Side, read_side
from aurl.semantics.classes import ClassEmbeddings
from aurl.semantics.overlap import Pair, equal_names, near_classes
from aurl.semantics.wordnet import read_verbs
from aurl.system.errors import AurlError
from aurl.system.shipped import VERB_EXCEPTIONS, VERB_LEMMAS, packaged

VERBS = read_verbs(packaged(VERB_LEMMAS), packaged(VERB_EXCEPTIONS))
PARAMS = Path("none.yaml")


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(cli, ["overlap", *map(str, arguments)])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.stdout


@pytest.mark.parametrize(
    ("seen", "unseen", "how"),
    [
        ("archery", "archery", "exact"),
        ("hand_stand", "HandStand", "spelling"),
        ("apply eye makeup", "ApplyEyeMakeup", "spelling"),
        ("riding a horse", "horse ride", "lemma"),
        ("ran", "Running", "lemma"),
        ("push up", "PushUps", "lemma"),
        ("ride horse", "ride bike", None),
        ("swimming", "swimming backstroke", None),
        ("jump", "archery", None),
    ],
)
def test_names_are_paired_by_the_strictest_kind(seen: str, unseen: str, how: str | None) -> None:
    assert equal_names([seen], [unseen], VERBS) == ([Pair(seen, unseen, how)] if how else [])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["archery", "Archery", "ride horse", "riding horses", "ran", "jump"]), unique=True))
def test_pairs_are_those_of_the_plain_rule(names: list[str]) -> None:
    """Every class is like itself, and letter case alone never parts two."""
    pairs = equal_names(names, names, VERBS)
    assert {(pair.seen, pair.unseen) for pair in pairs if pair.how == "exact"} == {(name, name) for name in names}
    alike = {(one, other) for one in names for other in names if spelling(one) == spelling(other)}
    assert alike <= {(pair.seen, pair.unseen) for pair in pairs}


def test_ucf101_shares_33_names_with_kinetics() -> None:
    kinetics, ucf101 = (read_side(name, PARAMS) for name in ("kinetics700", "ucf101"))
    pairs = equal_names(kinetics.classes, ucf101.classes, VERBS)
    assert len({pair.unseen for pair in pairs}) == 33
    assert Pair("walking the dog", "WalkingWithDog", "lemma") in pairs


def test_near_classes_are_those_that_the_filter_removes() -> None:
    rows = np.array([[1, 0], [1, 0.1], [0, 1]], np.float32)
    seen = ClassEmbeddings(["a", "b", "c"], rows, {name: [name] for name in "abc"}, {})
    test = ClassEmbeddings(["x"], rows[:1] * 3, {"x": ["x"]}, {})
    pairs = near_classes(seen, test, 0.05)
    assert [(pair.seen, pair.unseen) for pair in pairs] == [("a", "x"), ("b", "x")]
    assert pairs[1].distance == pytest.approx(1 - 1 / np.sqrt(1.01), abs=1e-6)
    kept = aurl.filter_seen(seen=rows, unseen=test.vectors, tau=0.05)
    assert {name for name, keep in zip("abc", kept, strict=True) if not keep} == {pair.seen for pair in pairs}
    assert near_classes(seen, test, 0) == []


@pytest.mark.parametrize(
    ("video", "expected"),
    [
        ("archery/abcDEF12-_9_000010_000020.mp4", "abcDEF12-_9"),
        ("v_QOlSCBRmfWY.mp4", "QOlSCBRmfWY"),
        ("abcDEF12-_9.mkv", "abcDEF12-_9"),
        ("v_Archery_g01_c01.avi", None),
        ("backgrounds.avi", None),
        ("video.mp4", None),
    ],
)
def test_youtube_ids_come_from_names_that_carry_them(video: str, expected: str | None) -> None:
    assert youtube_id(video) == expected


def test_files_and_ids_of_two_listings(tmp_path: Path) -> None:
    (tmp_path / "seen.csv").write_text(
        "path,class,bytes,sha256\nrun/abcDEF12-_9_000010_000020.mp4,run,1,aa\nrun/b.mp4,run,1,bb\n"
    )
    (tmp_path / "test.csv").write_text(
        "path,class,bytes,sha256\nRunning/c.mp4,Running,1,bb\nx/v_abcDEF12-_9.mp4,x,1,cc\n"
    )
    text = run(tmp_path / "seen.csv", tmp_path / "test.csv")
    assert max(map(len, text.splitlines())) <= 80
    assert "Equal files (SHA-256): 1.\n  run/b.mp4 = Running/c.mp4" in text
    assert "Equal YouTube ids: 1.\n  abcDEF12-_9: run/abcDEF12-_9_000010_000020.mp4" in text
    assert "Near classes (tau): not compared; give word vectors with --vectors." in text
    assert text.endswith("1 of 2 test classes are like no seen class by name.\n")


def test_tau_needs_vectors_and_names_unknown_words(tmp_path: Path) -> None:
    vectors = tmp_path / "vectors.bin"
    vectors.write_bytes(binary([b"run", b"sprint", b"swim"], np.array([[1, 0], [1, 0.1], [0, 1]], np.float32)))
    (tmp_path / "seen.txt").write_text("run\nswim\n")
    (tmp_path / "test.txt").write_text("sprint\njuggle\n")
    content = json.loads(run(tmp_path / "seen.txt", tmp_path / "test.txt", "--vectors", vectors, "--dimension", "2",
                             "--json"))  # fmt: skip
    assert [(pair["seen"], pair["unseen"]) for pair in content["near"]] == [("run", "sprint")]
    assert (content["unembedded"], content["names"], content["files"]) == (["juggle"], [], None)
    assert content["clean_unseen_classes"] == ["juggle"]
    assert json.loads(run(tmp_path / "seen.txt", tmp_path / "test.txt", "--json"))["near"] is None


def test_a_folder_and_a_column_of_classes_are_sides(tmp_path: Path) -> None:
    (tmp_path / "videos/climb").mkdir(parents=True)
    (tmp_path / "videos/climb/a.mp4").touch()
    (tmp_path / "list.csv").write_text("class\nclimb\n")
    folder, table = read_side(str(tmp_path / "videos"), PARAMS), read_side(str(tmp_path / "list.csv"), PARAMS)
    assert (folder.classes, folder.videos, table.classes) == (["climb"], ["climb/a.mp4"], ["climb"])
    assert compare(folder, table, 0.05).names == [Pair("climb", "climb", "exact")]


def test_what_is_no_side_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AurlError, match="nothing: no such file or folder, and none of ucf101, hmdb51"):
        read_side("nothing", PARAMS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(AurlError, match="empty: no class folders in it"):
        read_side("empty", PARAMS)
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(AurlError, match="none of ucf101, .*drawn_kinetics"):
        read_side("nothing", Path("params.yaml"))
    done = CliRunner().invoke(cli, ["overlap", "ucf101", "hmdb51", "--tau", "3"])
    assert "--tau 3: a distance of cosines, 0 to 2" in str(done.exception)


def test_sides_without_videos_compare_names_alone() -> None:
    overlap = compare(Side("a", ["run"]), Side("b", ["Ran"]), 0.05)
    assert (overlap.files, overlap.ids, overlap.near) == (None, None, None)

"""Score files of every format: the same numbers, and one line for each file that cannot be used."""

import contextlib
import csv
import io
import json
import os
import pickle
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from score_files import embeddings, one_hot, scores, write_npz

from aurl.cli import main
from aurl.evaluation.test_sets import TestSet, test_set
from aurl.scoring.evaluate import evaluate_submission
from aurl.scoring.formats.base import FOLDER, read_file
from aurl.system import plugins
from aurl.system.errors import AurlError

test_set.__test__ = False  # type: ignore[attr-defined]
HMDB51 = test_set("hmdb51")


def write_safetensors(path: Path, content: dict[str, np.ndarray], beside: bool = False) -> Path:
    names = {name: json.dumps(value.tolist()) for name, value in content.items() if value.dtype.kind == "U"}
    arrays = {name: value for name, value in content.items() if value.dtype.kind != "U"}
    save_file(arrays, path, metadata=None if beside else names)
    if beside:
        path.with_suffix(".json").write_text(json.dumps({name: json.loads(text) for name, text in names.items()}))
    return path


def write_csv(path: Path, columns: dict[str, Any]) -> Path:
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def rows_of(path: Path, of: TestSet = HMDB51) -> list[dict[str, Any]]:
    return evaluate_submission(read_file(path, of), of).as_json()["protocols"]


def run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run `aurl score`; its exit status."""
    monkeypatch.setattr(sys, "argv", ["aurl", "score", *arguments])
    try:
        main()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
            return 1
        return int(ended.code or 0)
    return 0


def refused(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    """The one line with which a file is refused; nothing is written."""
    output = path.parent / "out.json"
    before = sorted(path.parent.iterdir())
    assert run([str(path), "--test-set", "hmdb51", "--json", str(output), *more], monkeypatch) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("aurl: error: ")
    assert printed.err.count("\n") == 1
    assert sorted(path.parent.iterdir()) == before
    return printed.err


def test_every_format_is_known() -> None:
    assert plugins.names(FOLDER) == ["csv", "npz", "parquet", "safetensors"]


@pytest.mark.parametrize("content", [scores("hmdb51", 0.6), embeddings("hmdb51", 1.5), one_hot("hmdb51")])
def test_npz_and_safetensors_give_the_same(content: dict[str, np.ndarray], tmp_path: Path) -> None:
    expected = rows_of(write_npz(tmp_path / "a.npz", content))
    assert rows_of(write_safetensors(tmp_path / "a.safetensors", content)) == expected
    assert rows_of(write_safetensors(tmp_path / "b.safetensors", content, beside=True)) == expected
    as_bytes = {name: np.char.encode(value) if value.dtype.kind == "U" else value for name, value in content.items()}
    assert rows_of(write_npz(tmp_path / "b.npz", as_bytes)) == expected


def test_parquet_gives_the_same(tmp_path: Path) -> None:
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    content = scores("hmdb51", 0.6)
    columns = {"video": content["video"]} | dict(zip(content["class"], content["scores"].T, strict=True))
    parquet.write_table(arrow.table(columns), tmp_path / "a.parquet")
    assert rows_of(tmp_path / "a.parquet") == rows_of(write_npz(tmp_path / "a.npz", content))
    parquet.write_table(arrow.table(columns | {"chew": content["video"]}), tmp_path / "b.parquet")
    with pytest.raises(AurlError, match="column 'chew' is of type string"):
        read_file(tmp_path / "b.parquet", HMDB51)


def test_parquet_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(AurlError, match="needs the package pyarrow: run 'pip install pyarrow', or save an .npz"):
        read_file(tmp_path / "a.parquet", HMDB51)


def test_a_csv_of_predictions_is_for_all_classes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = scores("hmdb51", 0.6)
    predicted = content["class"][content["scores"].argmax(axis=1)]
    path = write_csv(tmp_path / "p.csv", {"video": content["video"], "pred": predicted})
    by_scores = {row["protocol"]: row for row in rows_of(write_npz(tmp_path / "a.npz", content))}
    rows = rows_of(path)
    assert [row["protocol"] for row in rows] == ["all_classes", "official_lists"]
    for row in rows:
        assert row["top5"] is None
        assert row["top1"] == by_scores[row["protocol"]]["top1"]
        assert row["class_top1"] == by_scores[row["protocol"]]["class_top1"]
    line = refused(path, monkeypatch, capsys, "--protocol", "half_classes")
    assert "protocol 'half_classes': a predicted class does not say which of fewer classes is best" in line


def test_the_command_prints_80_columns_and_writes_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_npz(Path("a.npz"), embeddings("hmdb51", 1.5))
    write_npz(Path("b.npz"), embeddings("hmdb51", 1.6, seed=1))
    assert run(["a.npz", "--test-set", "hmdb51", "--against", "b.npz", "--json", "out/o.json"], monkeypatch) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    for words in ("HMDB51: 6,766 videos", "TruZe (paper)", "hub skewness", "Against b.npz", "better in", "p < 0.001"):
        assert words in text
    written = json.loads(Path("out/o.json").read_text())
    assert len(written["comparisons"]) == len(written["protocols"]) == 9
    assert len(written["sha256"]) == 64
    assert sorted(os.listdir()) == ["a.npz", "b.npz", "out"]
    assert os.listdir("out") == ["o.json"]


def changed(**changes: Any) -> dict[str, Any]:
    """Scores of HMDB51 with other parts; None takes a part away."""
    content: dict[str, Any] = scores("hmdb51", 0.6) | changes
    return {name: value for name, value in content.items() if value is not None}


def spoiled(place: tuple[int, int], value: float) -> np.ndarray:
    values = scores("hmdb51", 0.6)["scores"]
    values[place] = value
    return values


CONTENT = scores("hmdb51", 0.6)
VIDEOS, CLASSES, SCORES = CONTENT["video"], CONTENT["class"], CONTENT["scores"]
OTHER_ORDER = np.roll(CLASSES, 1)
RENAMED = np.where(CLASSES == "chew", "cheww", CLASSES)
LABELS = CLASSES[HMDB51.labels]
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown class": (changed(**{"class": RENAMED}), r"1 of 51 classes are none of HMDB51: 'cheww' \(did"),
    "a class twice": (changed(**{"class": np.where(CLASSES == "kick ball", "Kick", CLASSES)}),
                      "class 'kick' is there twice, as 'kick' and 'Kick'"),
    "fewer classes": (changed(scores=SCORES[:, 1:], **{"class": CLASSES[1:]}),
                      "1 of the 51 classes have no scores: 'brush hair'"),
    "names in another order": (changed(**{"class": OTHER_ORDER}), "the columns of the scores do not follow 'class'"),
    "probabilities in another order": (
        changed(scores=np.exp(SCORES[:, ::-1]) / np.exp(SCORES).sum(axis=1, keepdims=True)),
        "if the columns are named in another order"),
    "an unknown video": (changed(video=np.concatenate([VIDEOS[:-1], ["winKen.avi"]])),
                         "1 of 6,766 videos are none of HMDB51: 'winKen.avi'"),
    "a video twice": (changed(video=np.concatenate([VIDEOS[:-1], VIDEOS[:1]])), "1 videos are there more than once"),
    "a video missing": (changed(video=VIDEOS[1:], scores=SCORES[1:]), "1 of 6,766 videos are missing"),
    "a label too often": (changed(video=None, label=np.concatenate([LABELS[:-1], LABELS[:1]])),
                          r"videos are labelled 'brush hair', HMDB51 has 107 \(2 classes differ\)"),
    "a label of another class": (changed(label=np.roll(LABELS, 1)), r"is labelled '.*', but is of '.*' \(\d+ differ\)"),
    "NaN": (changed(scores=spoiled((3, 4), np.nan)), "1 values that are no number, the first in row 3, column 4"),
    "infinity": (changed(scores=spoiled((3, 4), np.inf)), "1 values that are no number"),
    "the other way round": (changed(scores=SCORES.T), r"scores is 51 x 6,766, but the names need 6,766 x 51"),
    "one dimension": (changed(scores=SCORES[:, 0]), "scores is 6,766, but the names need"),
    "text as scores": (changed(scores=SCORES.astype(str)), "'scores' is of type <U.*; scores and embeddings are numbers"),
    "no names of classes": (changed(**{"class": None}), "no 'class'"),
    "no videos and labels": (changed(video=None), "neither 'video' .* nor 'label'"),
    "no scores": (changed(scores=None), "give 'scores' .* it has none of them"),
    "scores and embeddings": (changed(video_embeddings=SCORES, class_embeddings=SCORES[:51]), "it has scores and video_emb"),
    "half of the embeddings": (changed(scores=None, video_embeddings=SCORES), "it has video_embeddings"),
    "two dimensions": (changed(scores=None, video_embeddings=SCORES, class_embeddings=SCORES[:51, 1:]),
                       "both need one dimension"),
    "an embedding of zeros": (changed(scores=None, video_embeddings=SCORES * 0, class_embeddings=SCORES[:51]),
                              "a row of zeros"),
    "pickled names": (changed(**{"class": CLASSES.astype(object)}), "'class' is an array of Python objects.*unpickled"),
    "far too many names": (changed(video=np.array(["x"] * 30_000)), "30,000 names in 'video', far more than"),
    "numbers as names": (changed(**{"class": np.arange(51)}), "'class' is of type int64"),
    "no bytes of UTF-8": (changed(**{"class": np.array([b"\xff"] * 51)}), "bytes that are no UTF-8"),
    "no rows": (changed(video=VIDEOS[:0], scores=SCORES[:0]), "no videos in it"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_line_and_writes_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content, words = BAD[kind]
    line = refused(write_npz(tmp_path / "bad.npz", content), monkeypatch, capsys)
    assert re.search(words, line), line
    assert len(line) < 700


def test_a_pickle_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in an array of objects, nor as a file of its own under the name of an .npz."""

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "run"),)

    trap = np.array([Trap()] * 51, dtype=object)
    write_npz(tmp_path / "array.npz", changed(**{"class": trap}))
    (tmp_path / "file.npz").write_bytes(pickle.dumps(Trap()))
    for name in ("array.npz", "file.npz"):
        refused(tmp_path / name, monkeypatch, capsys)
        assert not (tmp_path / "run").exists()


def npy_of(shape: tuple[int, ...], descr: str) -> bytes:
    handle = io.BytesIO()
    np.lib.format.write_array_header_1_0(handle, {"descr": descr, "fortran_order": False, "shape": shape})
    return handle.getvalue()


@pytest.mark.parametrize(
    ("member", "shape", "descr", "words"),
    [
        ("scores.npy", (6766, 1000), "<f4", "but the names need 6,766 x 51"),
        ("scores.npy", (-1, 51), "<f4", "but the names need"),
        ("class.npy", (10**9,), "<U10", "would take 40,000,000,000 bytes"),
        ("class.npy", (10**6,), "<U10", "1,000,000 names in 'class', far more than the test set has"),
        ("video_embeddings.npy", (6766, 65_536), "<f8", "would take 3,547,332,608 bytes"),
        ("class.npy", (51,), "<U100000000", "names are shorter"),
        ("video.npy", (6766,), "<U1", "no usable .npz file"),  # the header alone
    ],
)
def test_sizes_are_checked_before_anything_is_read(
    member: str, shape: tuple[int, ...], descr: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = write_npz(tmp_path / "a.npz", changed(**{member.removesuffix(".npy"): None}))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, npy_of(shape, descr))
    assert words in refused(path, monkeypatch, capsys)


def test_two_arrays_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_npz(tmp_path / "a.npz", changed())
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("class.npy", npy_of((51,), "<U4"))
    assert "two arrays named 'class'" in refused(path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "pred,label\nkick\n", "line 2 has 1 cells, the header 2"),
        ("a.csv", "pred,label\nkick,chew", "cut short"),
        (
            "a.csv",
            "pred,truth\nkick,chew\n",
            "columns pred, truth; give a table with the columns pred, and video or label",
        ),
        ("a.csv", "pred,label\n", "no videos in it"),
        (
            "a.csv",
            "pred,label\nkicc,chew\n",
            "1 of 1 predicted classes are none of HMDB51: 'kicc' (did you mean 'kick'?)",
        ),
        ("a.csv", "pred,label\nkick,chew\n", "HMDB51 has 107"),
        ("a.csv", '"\n', "no usable .csv file"),
        ("a.npz", "", "no usable .npz file"),
        ("a.npz", "PK\x03\x04", "no usable .npz file"),
        ("a.safetensors", "{}", "no usable .safetensors file"),
        ("a.txt", "x", "endings of score files are .csv, .npz, .parquet, .safetensors"),
        ("a", "x", "endings of score files are"),
    ],
)
def test_damaged_and_foreign_files_are_refused(
    name: str,
    text: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / name).write_text(text)
    assert words in refused(tmp_path / name, monkeypatch, capsys)


def test_missing_files_and_unknown_names_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "none.npz: no such file" in refused(tmp_path / "none.npz", monkeypatch, capsys)
    path = write_npz(tmp_path / "a.npz", changed())
    assert "no protocol 'half'; known: all_classes" in refused(path, monkeypatch, capsys, "--protocol", "half")
    line = refused(path, monkeypatch, capsys, "--protocol", "truze_repository")
    assert "protocol 'truze_repository' is not of HMDB51, which has all_classes" in line
    assert "none.npz: no such file" in refused(path, monkeypatch, capsys, "--against", str(tmp_path / "none.npz"))
    assert run([str(path), "--test-set", "ucf"], monkeypatch) == 1
    assert "no test set 'ucf'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({}, "no 'class' in its metadata"),
        ({"class": "[1, 2]"}, "'class' is no JSON list of names"),
        ({"class": "[" * 100_000}, "'class' is no JSON list of names"),
        ({"class": json.dumps(CLASSES.tolist())}, "neither 'video'"),
        ({"class": json.dumps(CLASSES.tolist()), "video": '["a"]'}, "but the names need 1 x 51"),
    ],
)
def test_bad_metadata_of_safetensors_is_refused(metadata: dict[str, str], words: str, tmp_path: Path) -> None:
    save_file({"scores": SCORES}, tmp_path / "a.safetensors", metadata=metadata)
    with pytest.raises(AurlError, match=words):
        read_file(tmp_path / "a.safetensors", HMDB51)


@settings(deadline=None, max_examples=150)
@given(
    st.binary(max_size=300), st.sampled_from(["csv", "npz", "safetensors"]), st.integers(0, 2**32 - 1), st.booleans()
)
def test_no_file_ends_in_another_error(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, ending: str, place: int, overwrite: bool
) -> None:
    """Noise as a file, or a good file with noise in it, is read or refused in a line."""
    path = tmp_path_factory.getbasetemp() / f"noise.{ending}"
    content = {"scores": np.eye(3, dtype=np.float32), "class": np.array(["chew", "kick", "clap"]),
               "label": np.array(["chew", "kick", "clap"])}  # fmt: skip
    path.write_bytes(noise)
    if overwrite and ending == "csv":
        write_csv(path, {"pred": content["class"], "label": content["label"]})
    elif overwrite:
        {"npz": write_npz, "safetensors": write_safetensors}[ending](path, content)
    if overwrite:
        good = bytearray(path.read_bytes())
        start = place % len(good)
        good[start : start + len(noise)] = noise
        path.write_bytes(bytes(good))
    with contextlib.suppress(AurlError):
        evaluate_submission(read_file(path, HMDB51), HMDB51)

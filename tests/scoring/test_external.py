"""Score files of a row from outside: matched to an experiment's videos by name, refused in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from table_sources import table_inputs, table_settings

from aurl.evaluation.external_file import read_ranks
from aurl.evaluation.labels import variant_labels
from aurl.evaluation.metrics_file import read_metrics_of
from aurl.evaluation.protocols.half_splits import Settings
from aurl.evaluation.test_sets import TestSet
from aurl.experiment.presets import load_preset
from aurl.experiment.read import parse_experiment
from aurl.experiment.settings import Experiment
from aurl.pipeline.selections import Scope
from aurl.report.write_tables import make_tables
from aurl.scoring.external import check_digest, evaluate_row, read_outside
from aurl.system.errors import AurlError

CLASSES = ("archery", "jump rope", "surfing")
VIDEOS = tuple(f"{name}/clip{number}.avi" for name in CLASSES for number in range(4))  # one name in every folder
LABELS = np.repeat(np.arange(3), 4)
SHA = "0" * 64


@pytest.fixture(autouse=True)
def in_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])


def world(videos: tuple[str, ...] = VIDEOS) -> TestSet:
    return TestSet("own", "Own", CLASSES, videos, LABELS, np.zeros((12, 3), np.int8), CLASSES)


def scores(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(12, 3)).astype(np.float32) + np.eye(3, dtype=np.float32)[LABELS]


def save(path: Path, **changed: Any) -> Path:
    content = {"scores": scores(), "video": list(VIDEOS), "class": list(CLASSES)} | changed
    np.savez(path, **{name: np.array(value) for name, value in content.items() if value is not None})
    return path


def test_names_decide_and_more_may_be_there(tmp_path: Path) -> None:
    """Another order, another spelling, videos and classes too many: the same scores."""
    order, columns = np.random.default_rng(1).permutation(12), [2, 0, 1]
    mixed = np.column_stack([scores()[np.ix_(order, columns)], np.full(12, 99)])
    names = [VIDEOS[number].replace(".avi", ".mp4") for number in order]
    path = save(tmp_path / "a.npz", scores=np.vstack([mixed, mixed[:1]]), video=[*names, "else/clip0.avi"],
                **{"class": ["Surfing", "ARCHERY", "JumpRope", "another"]})  # fmt: skip
    features = read_outside(path, world(), 25)
    assert features.videos[25].tolist() == scores().tolist()
    assert (features.labels.tolist(), features.class_names, features.paths) == (LABELS.tolist(), [*CLASSES], [*VIDEOS])


def test_unlike_names_need_no_folders(tmp_path: Path) -> None:
    unique = tuple(f"{name}/{name[0]}{number % 4}.avi" for number, name in enumerate(np.repeat(CLASSES, 4)))
    path = save(tmp_path / "a.npz", video=[name.rpartition("/")[2] for name in unique])
    assert read_outside(path, world(unique), 1).videos[1].tolist() == scores().tolist()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"video": [*VIDEOS[:-1], "surfing/clip8.avi"]}, "1 of 12 videos are missing: 'surfing/clip3.avi'"),
        ({"class": ["archery", "jump roop", "surfing"]}, "1 of the 3 classes have no scores: 'jump rope'; a row needs all;"
         " classes in it that the experiment has not: 1, such as 'jump roop' (did you mean 'jump rope'?)"),
        ({"video": [*VIDEOS[:-1], VIDEOS[0]]}, "1 videos are there more than once"),
        ({"class": ["archery", "jump rope", "Jump_Rope"]}, "class 'jump rope' is there twice"),
        ({"video": None, "label": [CLASSES[label] for label in LABELS]}, "no 'video' (the videos' names)"),
        ({"scores": scores() * np.nan}, "values that are no number"),
        ({"scores": scores()[:, :2]}, "the names need 12 x 3"),
    ],
)  # fmt: skip
def test_what_does_not_match_gets_one_line(changed: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(AurlError) as caught:
        read_outside(save(tmp_path / "a.npz", **changed), world(), 1)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/a.npz: ")
    assert "\n" not in str(caught.value)


def test_metrics_and_ranks_are_of_the_scores(tmp_path: Path) -> None:
    files = {"own": save(tmp_path / "a.npz")}
    evaluate_row(files, {"own": world()}, {"half_splits": Settings(splits=[1, 3])}, 10, tmp_path / "m", tmp_path / "r")
    (one, _) = read_metrics_of(tmp_path / "m")["own"]
    expected = 100 * float((scores().argmax(axis=1) == LABELS).mean())
    assert (one["top1"], one["clips"], one["splits"]) == (pytest.approx(expected), 10, 1)
    assert "closeness" not in one
    ranks = read_ranks(tmp_path / "r")["own"]
    assert ranks.ranks.tolist() == (scores() > scores()[np.arange(12), LABELS][:, None]).sum(axis=1).tolist()
    assert (ranks.labels.tolist(), ranks.paths) == (LABELS.tolist(), [*VIDEOS])
    first = [(tmp_path / name).read_bytes() for name in "mr"]
    evaluate_row(files, {"own": world()}, {"half_splits": Settings(splits=[1, 3])}, 10, tmp_path / "m", tmp_path / "r")
    assert [(tmp_path / name).read_bytes() for name in "mr"] == first


def outside(**changed: Any) -> dict[str, Any]:
    return {
        "label": "Outside",
        "track": "transductive",
        "files": {"ucf101": {"file": "a.npz", "sha256": SHA}},
    } | changed


def with_rows(**rows: dict[str, Any]) -> Experiment:
    raw = load_preset("micro").model_dump(mode="json")
    return parse_experiment(raw | {"external": rows, "methods": {}}, "params.yaml")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"ls": outside()}, "external.ls: a variant or method has this name"),
        (
            {"row": outside(files={"ucf": {"file": "a", "sha256": SHA}})},
            "files.ucf: none of the keys of report.test_sets",
        ),
        ({"row": outside(files={"ucf101": "a.npz"})}, "'aurl add-scores a.npz --row ROW --test-set KEY' writes both"),
        ({"row": outside(files={})}, "external.row.files"),
        ({"row": outside(track="zero-shot")}, "external.row.track"),
        ({"row": outside(), "two": outside()}, "names a row twice"),
        ({"row": outside(seeds=[1])}, "external.row.seeds: unknown key"),
    ],
)
def test_wrong_settings_get_one_line(rows: dict[str, Any], words: str) -> None:
    with pytest.raises(AurlError) as caught:
        with_rows(**rows)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_older_file_is_told_what_to_write() -> None:
    raw = load_preset("micro").model_dump(mode="json")
    del raw["external"]
    with pytest.raises(AurlError, match="external: this key is missing; write {} for the old results"):
        parse_experiment(raw, "params.yaml")


def test_rows_whose_test_sets_are_missing_wait() -> None:
    experiment = with_rows(row=outside(), two=outside(label="2", files={"hmdb51": {"file": "b", "sha256": SHA}}))
    assert Scope(experiment, {}).external() == ["row", "two"]
    assert Scope(experiment, {"micro_hmdb": "nowhere"}).external() == ["row"]
    assert Scope(experiment, {"micro_hmdb": "nowhere"}).tested() == ["micro_ucf"], "no network is needed"
    assert Scope(load_preset("micro"), {"micro_hmdb": "nowhere"}).tested() == []


def test_another_file_than_the_declared_one_is_refused(tmp_path: Path) -> None:
    settings = with_rows(row=outside()).external["row"].files["ucf101"]
    with pytest.raises(AurlError, match="no such file of scores"):
        check_digest(settings, tmp_path / "a.npz")
    with pytest.raises(AurlError, match="params.yaml says 000000000000"):
        check_digest(settings, save(tmp_path / "a.npz"))


def test_tables_group_rows_by_track_and_take_their_own_clips(tmp_path: Path) -> None:
    experiment = with_rows(late=outside(clips=10), first=outside(label="First", track="inductive with descriptions"))
    assert list(variant_labels(experiment.variants, experiment.report, experiment.external))[-2:] == ["first", "late"]
    inputs = table_inputs(experiment, tmp_path)
    with inputs.metrics.open("a") as handle:
        for splits in (1, 3):
            handle.write(f"late,0,micro_ucf,10,{splits},55.5,,80,50,,,14,7,,,,,,,,,half_splits\n")
    tables = make_tables(inputs, table_settings(experiment))
    shown = tables["ablation"].display().set_index("Method")
    assert list(shown.index[-2:]) == ["First", "Outside"]
    assert (shown.loc["Outside", "UCF-like top-1"], shown.loc["First", "UCF-like top-1"]) == ("55.5", "")
    assert shown.loc["Outside", "Closeness (UCF-like)"] == ""
    assert shown["Track"].value_counts().to_dict() == {
        "inductive": 5, "inductive with descriptions": 1, "transductive": 1,
    }  # fmt: skip
    sota = tables["sota"].display()
    assert sota.loc[sota["Method"] == "Outside", "Test splits"].tolist() == ["1", "3"]
    assert any("Outside: from outside" in note and "10 clips a video" in note for note in tables["sota"].notes)
    plain = make_tables(table_inputs(load_preset("micro"), tmp_path), table_settings(load_preset("micro")))
    assert all("Track" not in table.text for table in plain.values())


def test_the_table_of_protocols_says_how_many_classes_are_here(tmp_path: Path) -> None:
    experiment = with_rows(row=outside(clips=25))
    inputs = table_inputs(experiment, tmp_path)
    with inputs.metrics.open("a") as handle:
        handle.write("row,0,micro_ucf,25,1,50.25,,80,50,,,340,34,,,,,,34,,,truze\n")
    table = make_tables(inputs, table_settings(experiment))["protocols"]
    whole = table.display()
    assert whole["Protocol"].tolist() == ["half classes"] * 5 + ["truze"] * 6 + ["generalised, H"] * 5
    assert whole.loc[whole["Protocol"] == "half classes", "Draws"].tolist() == ["50"] * 5
    together = whole[whole["Protocol"] == "generalised, H"].iloc[0]
    assert together[["UCF-like classes", "UCF-like top-1"]].tolist() == ["35 of 36", "27.0"]
    shown = whole[whole["Protocol"] == "truze"].set_index("Method")
    assert len(shown) == 5 + 1
    assert shown.loc["AURL", ["Protocol", "Draws", "Track", "UCF-like classes", "UCF-like top-1"]].tolist() == [
        "truze", "1", "inductive", "27 of 34", "41.2",
    ]  # fmt: skip
    assert shown.loc["Outside", ["UCF-like classes", "UCF-like top-1", "HMDB-like classes"]].tolist() == [
        "34",
        "50.2",
        "",
    ]
    assert any("'a of b' classes" in note for note in table.notes)

"""`aurl test`: class folders, a csv, folders of images, a public test set, published weights, unreadable videos."""

import csv
import json
import math
import shutil
from pathlib import Path

import media
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from foreign_weights import aurl_state, beside
from PIL import Image
from small_network import write_network
from word_vectors import binary, values

import aurl
from aurl.cli import cli
from aurl.experiment.settings import ComputeSettings, FrameSettings
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel
from aurl.system.errors import AurlError
from aurl.testing.confusion import draw_confusion
from aurl.testing.network import load_network, read_words
from aurl.testing.outcome import Outcome, class_rows, confusion, measure
from aurl.testing.published_cells import published_cells
from aurl.testing.videos import list_official, list_own

FRAMES = FrameSettings(size=24, quality=90, chroma="420", timeout_seconds=60)
COMPUTE = ComputeSettings(device="cpu")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes: two videos; a video, a folder of images and a broken file; a broken file alone."""
    folder = tmp_path_factory.mktemp("videos")
    media.h264(folder / "climb/a.mp4", 20)
    media.xvid(folder / "climb/b.avi", 30)
    media.h264(folder / "ride horse/a.mp4", 35)
    (folder / "ride horse/images").mkdir()
    for number, image in enumerate(media.pattern(12), start=1):
        Image.fromarray(image[::-1]).save(folder / f"ride horse/images/{number}.png")
    media.zero_bytes(folder / "ride horse/broken.mp4")
    media.zero_bytes(folder / "walk dog/broken.mp4")
    return folder


def run(*arguments: str | Path) -> str:
    """Run `aurl test`; it must succeed."""
    done = CliRunner().invoke(cli, ["test", *map(str, arguments)])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.stdout


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_class_folders_give_numbers_classes_and_a_picture(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers follow from the embeddings of the readable files, which are those of `aurl.embed_files`."""
    checkpoint = write_network(tmp_path / "aurl.safetensors", FRAMES)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    out = tmp_path / "out"
    text = run(videos, "--checkpoint", checkpoint, "--clips", "1", "--clips", "2", "--out", out)
    assert max(map(len, text.splitlines())) <= 80
    flat = " ".join(text.split())
    assert "2 videos cannot be read: broken.mp4 (empty: the file has zero bytes), broken.mp4 (" in flat
    assert "1 classes have no video here, but are candidates: walk dog." in flat
    trained = aurl.load(checkpoint)
    names = ["climb", "ride horse", "walk dog"]
    files = [videos / name for name in ("climb/a.mp4", "climb/b.avi", "ride horse/a.mp4", "ride horse/images")]
    embedded, classes = trained.encode_videos(files, clips=2), trained.encode_classes(names)
    best = (embedded / np.linalg.norm(embedded, axis=1, keepdims=True)
            @ (classes / np.linalg.norm(classes, axis=1, keepdims=True)).T).argmax(axis=1)  # fmt: skip
    rows = read(out / "videos.csv")
    assert [row["best_class"] for row in rows[:4]] == [names[number] for number in best]
    assert [row["status"] for row in rows] == ["ok"] * 4 + ["empty: the file has zero bytes"] * 2
    content = json.loads((out / "result.json").read_text())
    measured = content["clips"]["2"]["protocols"][0]
    assert (measured["protocol"], measured["videos"]) == ("all_classes", 4)
    assert measured["top1"] == pytest.approx(100 * (best == [0, 0, 1, 1]).mean())
    assert list(content["clips"]) == ["1", "2"]
    low, high = measured["intervals"]["top1"]
    assert low <= measured["top1"] <= high
    per_class = {row["name"]: row for row in read(out / "classes.csv")}
    assert per_class["walk dog"] == {"name": "walk dog", "videos": "0", "top1": "", "top5": "", "confused": "",
                                     "confused_videos": "0"}  # fmt: skip
    assert float(per_class["climb"]["top1"]) == 100 * (best[:2] == 0).mean()
    counts = [[int(row[name]) for name in names] for row in read(out / "confusion.csv")]
    assert np.array_equal(np.array(counts)[[0, 0, 1, 1], best] > 0, [True] * 4)
    assert np.sum(counts) == 4
    with Image.open(out / "confusion.png") as picture:
        assert min(picture.size) > 300
    kept = np.load(out / "embeddings.npz")
    assert np.allclose(kept["video_embeddings"], embedded, atol=1e-5)
    assert kept["label"].tolist() == ["climb", "climb", "ride horse", "ride horse"]


def test_a_csv_gives_the_same_as_its_folders(videos: Path, tmp_path: Path) -> None:
    checkpoint = write_network(tmp_path / "aurl.safetensors", FRAMES)
    listing = tmp_path / "list.csv"
    shutil.copytree(videos, tmp_path / "v")
    paths = ["ride horse/images", "walk dog/broken.mp4", "climb/b.avi", "climb/a.mp4", "ride horse/a.mp4",
             "ride horse/broken.mp4"]  # fmt: skip
    listing.write_text("class,path\n" + "".join(f"{path.split('/')[0]},v/{path}\n" for path in paths))
    of_folder = json.loads(run(videos, "--checkpoint", checkpoint, "--json"))
    of_csv = json.loads(run(listing, "--checkpoint", checkpoint, "--json"))
    assert of_csv["classes"] == of_folder["classes"]
    ours, theirs = (content["clips"]["1"]["protocols"][0] for content in (of_csv, of_folder))
    assert {key: ours[key] for key in ("top1", "top5", "class_top1", "intervals")} == {
        key: theirs[key] for key in ("top1", "top5", "class_top1", "intervals")
    }
    assert len(of_csv["unreadable"]) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,class\na,b\n", "columns file, class; give a table with the columns path and class"),
        ("path,class\na.mp4\n", "line 2 has no path and class"),
        ("path,class\na.mp4,x\na.mp4,y\n", "'a.mp4' is there twice"),
        ("path,class\na.mp4,x\n", "1 classes with videos"),
        ("path,class\na.mp4,Hand stand\nb.mp4,hand_stand\n", "'Hand stand' and 'hand_stand' differ in spelling only"),
    ],
)
def test_an_unusable_csv_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(AurlError, match=message):
        list_own(tmp_path / "list.csv")


def test_images_without_a_folder_of_their_own_are_refused(tmp_path: Path) -> None:
    (tmp_path / "climb").mkdir()
    (tmp_path / "climb/1.png").touch()
    with pytest.raises(AurlError, match="climb: images lie in the class folder itself"):
        list_own(tmp_path)


def test_nothing_is_written_where_nothing_can_be_read(tmp_path: Path) -> None:
    checkpoint = write_network(tmp_path / "aurl.safetensors", FRAMES)
    for name in ("climb", "walk dog"):
        media.zero_bytes(tmp_path / "videos" / name / "a.mp4")
    done = CliRunner().invoke(cli, ["test", str(tmp_path / "videos"), "--checkpoint", str(checkpoint), "--out",
                                    str(tmp_path / "out")])  # fmt: skip
    assert "none of the 2 videos can be read" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_official_videos_are_known_by_their_names(tmp_path: Path) -> None:
    """In any folder, with any ending, or as a folder of frames; in the test set's order."""
    official = aurl.test_set("hmdb51").videos
    first, second, last = (Path(official[number]).stem for number in (0, 1, -1))
    for place in (f"b/{last}.mkv", f"a/{second}/1.png", "a/other.avi", f"{first}.avi"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    listed = list_official("hmdb51", tmp_path)
    assert listed.paths == [tmp_path / f"{first}.avi", tmp_path / "a" / second, tmp_path / f"b/{last}.mkv"]
    assert listed.test_set.videos == (official[0], official[1], official[-1])
    assert len(listed.missing) == len(official) - 3
    assert not listed.is_own
    (tmp_path / f"b/{first}.mp4").touch()
    with pytest.raises(AurlError, match="also there as"):
        list_official("hmdb51", tmp_path)
    with pytest.raises(AurlError, match="no video of UCF101 below it; they are named like v_"):
        list_official("ucf101", tmp_path)


def test_test_sets_without_listed_videos_have_class_folders(tmp_path: Path) -> None:
    for name in ("long_jump", "vault"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.avi").touch()
    classes = aurl.test_set("olympic_sports16").classes
    listed = list_official("olympic_sports16", tmp_path)
    assert [classes[label] for label in listed.test_set.labels] == ["long jump", "vault"]
    assert (listed.test_set.classes, listed.test_set.name) == (classes, "olympic_sports16")
    (tmp_path / "vault").rename(tmp_path / "archery")
    with pytest.raises(AurlError, match=r"'archery' is no class of Olympic Sports \(1 unknown\)"):
        list_official("olympic_sports16", tmp_path)


def vectors_of_ucf101(folder: Path) -> Path:
    """Random vectors of UCF101's official words; a few of them are in no shipped file."""
    known = sorted({word for words in aurl.test_set("ucf101").words.values() for word in words})
    path = folder / "vectors.bin"
    path.write_bytes(binary([word.encode() for word in known], values(len(known), 300)))
    return path


def authors_file(folder: Path, seen_classes: int = 662) -> Path:
    """A file of the structure of the AURL authors', small, for the shipped word vectors."""
    torch.manual_seed(3)
    shape = ModelShape(
        backbone={"name": "r2plus1d", "width": 4, "blocks": [1, 1]}, embedding=12, word_hidden=10, dimension=300,
        word_projector=True, seen_classes=seen_classes,
    )  # fmt: skip
    path = folder / f"AURL{seen_classes}_checkpoint.pth.tar"
    torch.save(beside(state_dict=aurl_state(ZeroShotModel(shape).eval())), path)
    return path


@pytest.fixture(scope="module")
def some_of_ucf101(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short videos of UCF101's official names for each class, in folders of no order; one is broken."""
    folder = tmp_path_factory.mktemp("ucf")
    official = aurl.test_set("ucf101")
    made = media.h264(folder / "a.mp4", 4), media.xvid(folder / "b.avi", 6)
    for number in range(len(official.classes)):
        of_class = [video for video, label in zip(official.videos, official.labels, strict=True) if label == number]
        for video, source in zip((of_class[0], of_class[-1]), made, strict=True):
            place = folder / f"part{number % 3}" / video
            place.parent.mkdir(exist_ok=True)
            place.hardlink_to(source)
    broken = folder / "part0" / official.videos[0]
    broken.unlink()
    broken.touch()
    for path in made:
        path.unlink()
    return folder


def test_the_authors_file_gets_to_the_papers_cells(
    some_of_ucf101: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sizes come from the file; the numbers are those of `aurl.evaluate` on the embeddings."""
    weights, vectors = authors_file(tmp_path), vectors_of_ucf101(tmp_path)
    monkeypatch.chdir(tmp_path)
    arguments = ["ucf101", "--videos", some_of_ucf101, "--weights", weights, "--size", "16", "--clip-length", "4"]
    unknown = CliRunner().invoke(cli, ["test", *map(str, arguments)])
    assert "'aurl fetch vectors' gets GoogleNews" in str(unknown.exception)
    arguments += ["--vectors", vectors]
    text = run(*arguments, "--out", tmp_path / "out")
    flat = " ".join(text.split())
    assert "kind aurl, R(2+1)D of width 4, blocks 1, 1, class embeddings of 300 dimensions, 662 seen classes" in flat
    assert "1 videos cannot be read: v_ApplyEyeMakeup_g01_c01.avi (empty: the file has zero bytes)." in flat
    assert "13,118 of 13,320 videos are not there:" in flat
    assert "Not all videos of the test set were tested: these are not the paper's cells." in flat
    assert max(map(len, text.splitlines())) <= 80
    content = json.loads((tmp_path / "out/result.json").read_text())
    assert list(content["clips"]) == ["1", "25"]
    cells = {(cell["table"], cell["splits"]): cell for cell in content["published"]}
    assert {key: cell["published"] for key, cell in cells.items()} == {
        ("ablation", 1): 44.4, ("sota", 1): 46.8, ("sota", 10): 58.0
    }  # fmt: skip
    rows = {(row["protocol"], row["runs"]): row for row in content["clips"]["25"]["protocols"]}
    assert {runs for name, runs in rows if name == "half_classes"} == {3, 10, 50}
    assert cells["sota", 10]["ours"] == rows["half_classes", 10]["top1"]
    kept = np.load(tmp_path / "out/embeddings.npz")
    assert len(kept["video"]) == 201
    official = list_official("ucf101", some_of_ucf101)
    subset = official.readable({official.paths[0]: "broken"})
    again = aurl.evaluate(
        video_embeddings=kept["video_embeddings"], class_embeddings=kept["class_embeddings"], videos=kept["video"],
        classes=kept["class"], test_set=subset.test_set, protocols=["all_classes", "half_classes", "truze"],
    )  # fmt: skip
    for row in again.rows:
        assert math.isclose(row.top1, rows[row.protocol, row.runs]["top1"])
        assert math.isclose(row.class_top1, rows[row.protocol, row.runs]["class_top1"])
    words = aurl.class_embeddings(list(kept["class"]), vectors, test_set="ucf101")
    with torch.inference_mode():
        projected = load_network(None, weights, None, 16, 4).model.embed_classes(torch.from_numpy(words))
    assert np.allclose(kept["class_embeddings"], projected.numpy(), atol=1e-6)


def test_the_seen_classes_of_a_file_decide_its_row(tmp_path: Path) -> None:
    assert [load_network(None, authors_file(tmp_path, number), None, None, None).variant for number in (662, 700, 7)] == [
        "aurl", "aurl_all", ""
    ]  # fmt: skip
    network = load_network(None, authors_file(tmp_path), None, None, None)
    assert (network.frames.size, network.clip_length, network.dimension) == (112, 16, 300)


@pytest.mark.parametrize(
    ("tokens", "names", "expected"),
    [
        ("words", ["Riding a horse"], {"Riding a horse": ["riding", "a", "horse"]}),
        ("lemmas", ["Putting on shoes"], {"Putting on shoes": ["put", "shoe"]}),
        ("ucf101", ["Long_Jump", "LongJump"], None),
        ("ucf101", ["LongJump", "skijet"], {"LongJump": ["long", "jump"], "skijet": ["Skyjet"]}),
        ("ucf", ["LongJump"], None),
    ],
)
def test_words_come_from_any_folder(
    tokens: str,
    names: list[str],
    expected: dict[str, list[str]] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if expected is None:
        with pytest.raises(AurlError, match=f"dataset '{tokens}' has no class '"):
            read_words(names, tokens)
    else:
        assert read_words(names, tokens) == expected


def outcome(videos: Path, tmp_path: Path) -> Outcome:
    network = load_network(write_network(tmp_path / "aurl.safetensors", FRAMES), None, None, None, None)
    return measure(network, list_own(videos), [1], 8, COMPUTE)[0]


def test_class_rows_follow_from_the_ranks(videos: Path, tmp_path: Path) -> None:
    measured = outcome(videos, tmp_path)
    measured.best[:], measured.rank[:] = [0, 2, 2, 2], [1, 2, 2, 6]
    climb, horse, dog = class_rows(measured)
    assert (climb.videos, climb.top1, climb.top5, climb.confused, climb.confused_videos) == (2, 50, 100, "walk dog", 1)
    assert (horse.top1, horse.top5, horse.confused, horse.confused_videos) == (0, 50, "walk dog", 2)
    assert (dog.videos, dog.top1) == (0, None)
    assert confusion(measured).tolist() == [[1, 0, 1], [0, 0, 2], [0, 0, 0]]
    assert published_cells([measured]) == []


def test_equal_counts_give_an_equal_picture() -> None:
    counts, names = np.array([[3, 1], [0, 2]]), ("climb", "$a class^")
    assert draw_confusion(counts, names, "title") == draw_confusion(counts, names, "title")
    assert draw_confusion(counts, names, "title") != draw_confusion(counts.T, names, "title")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ucf101"], "give the folder of its videos with --videos"),
        (["ucf101", "--videos", "none"], "none: no such folder"),
        (["none"], "none: no such folder or csv, and no public test set of that name"),
        (["none", "--videos", "none"], "--videos: only for a public test set"),
    ],
)
def test_bad_targets_are_one_line(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(cli, ["test", *arguments])
    assert isinstance(done.exception, AurlError)
    assert message in str(done.exception)


def test_a_network_is_needed_once(videos: Path, tmp_path: Path) -> None:
    for given in ([], ["--checkpoint", "a.safetensors", "--weights", "b.pth"]):
        done = CliRunner().invoke(cli, ["test", str(videos), *given])
        assert "give a network: --checkpoint FILE (of 'aurl train') or --weights FILE" in str(done.exception)
    foreign = CliRunner().invoke(cli, ["test", str(videos), "--protocol", "truze", "--checkpoint",
                                       str(write_network(tmp_path / "aurl.safetensors", FRAMES))])  # fmt: skip
    assert "protocol 'truze' is not of" in str(foreign.exception)


@pytest.mark.workflow
def test_a_trained_network_gets_the_workflows_numbers(finished_micro: Path, tmp_path: Path) -> None:
    """On the test set's own files, at both clip counts, with the word vectors of the experiment."""
    results = finished_micro / "results/micro"
    with (results / "metrics.csv").open(newline="") as handle:
        rows = [row for row in csv.DictReader(handle)
                if (row["variant"], row["dataset"], row["splits"]) == ("aurl", "micro_ucf", "1")]  # fmt: skip
    shutil.copytree(results / "datasets/micro_ucf", tmp_path / "videos")
    content = json.loads(run(tmp_path / "videos", "--checkpoint", results / "checkpoints/aurl/seed0.safetensors",
                             "--clips", "1", "--clips", "3", "--tokens", "ucf101", "--json"))  # fmt: skip
    assert len(rows) == 2
    for row in rows:
        measured = content["clips"][row["clips"]]
        for name in ("top1", "top5", "class_top1"):
            assert measured["protocols"][0][name] == pytest.approx(float(row[name]), abs=1e-4), (row["clips"], name)
        for name in ("closeness", "dispersion"):
            assert measured["geometry"][name] == pytest.approx(float(row[name]), abs=1e-4)

"""Answers for any video files and class names, and embeddings of given clips and word vectors."""

import csv
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import media
import numpy as np
import pytest
import torch
from repositories import REPOSITORY

from aurl.cli import main
from aurl.datasets.ingest import ingest_folder
from aurl.evaluation.feature_file import read_features
from aurl.evaluation.video_embeddings import extract_features
from aurl.experiment.presets import load_preset, preset_text
from aurl.experiment.settings import ComputeSettings, EncoderSettings, Experiment, FrameSettings
from aurl.frames.extract import extract_shard
from aurl.frames.manifest import make_manifest
from aurl.frames.packing import stored_settings, write_index
from aurl.frames.video import probe, read_frames
from aurl.inference.answers import as_csv, as_json, as_text
from aurl.inference.choices import choose_checkpoint, choose_encoder, class_names, expand_videos
from aurl.inference.embed import embed_files
from aurl.inference.encode import encode
from aurl.inference.overlay import write_overlays
from aurl.inference.predict import Prediction, choose_frames, predict
from aurl.inference.words import embed_classes, known_words
from aurl.models.checkpoint import load_model, state_bytes
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel
from aurl.pipeline.paths import ResultPaths
from aurl.semantics.embedding import embed_dataset
from aurl.semantics.encoders.word2vec import Settings
from aurl.system.errors import AurlError
from aurl.system.json_files import write_json

GOOGLE, GLOVE = (
    Settings(name="word2vec", vectors=str(REPOSITORY / "data" / name), dimension=dimension, missing="error")
    for name, dimension in (("googlenews_action_subset.bin", 300), ("glove100_action_subset.bin", 100))
)
COMPUTE = ComputeSettings(device="cpu")
FRAMES = FrameSettings(size=24, quality=90, chroma="420", timeout_seconds=60)
CLASSES = ["climb", "ride horse", "walk dog"]


def write_checkpoint(folder: Path, word_projector: bool = True, dimension: int = 300) -> Path:
    """A small seeded model with statistics that are not those of the start, as a training leaves it."""
    torch.manual_seed(1)
    shape = {
        "backbone": {"name": "r2plus1d", "width": 4, "blocks": [1, 1]}, "embedding": 12, "word_hidden": 10,
        "dropout": 0.0, "mean": [0.4, 0.4, 0.4],
        "std": [0.2, 0.2, 0.2], "dimension": dimension, "word_projector": word_projector, "seen_classes": None,
    }  # fmt: skip
    model = ZeroShotModel(ModelShape(**shape)).train()
    model.embed_videos(torch.randint(0, 256, (6, 4, 24, 24, 3), dtype=torch.uint8))
    model.embed_classes(torch.randn(5, dimension) / 17)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "seed0.safetensors").write_bytes(state_bytes(model))
    frames = {"size": FRAMES.size, "quality": FRAMES.quality, "chroma": FRAMES.chroma}
    described = {"model": shape, "clip_length": 8, "variant": "x", "seed": 0, "classes": None, "frames": frames}
    write_json(folder / "seed0.json", described)
    return folder / "seed0.safetensors"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "weights")


def evaluated(dataset: Path, layout: str, tokens: str, encoder: Settings, checkpoint: Path, clips: list[int]) -> Path:
    """The features of a folder of videos, through every stage; broken files are used as far as they go."""
    work = checkpoint.parent / "stages"
    ingest_folder(dataset, layout, False, work / "held", work / "files.csv", 1)
    make_manifest(work / "files.csv", dataset, "keep_partial", FRAMES, work / "set.csv")
    shard, index = work / "frames/0.jpegs", work / "frames/0.safetensors"
    extract_shard(work / "set.csv", "keep_partial", dataset, 0, 1, FRAMES, shard, index)
    write_index([(shard, index)], stored_settings(FRAMES), work / "frames/index.json")
    embed_dataset(work / "set.csv", "keep_partial", tokens, encoder, work / "classes.safetensors")
    extract_features(
        checkpoint, checkpoint.with_suffix(".json"), work / "set.csv", "keep_partial", work / "frames/index.json",
        work / "classes.safetensors", clips, 5, COMPUTE, work / "features.safetensors",
    )  # fmt: skip
    return work / "features.safetensors"


@pytest.mark.parametrize("word_projector", [pytest.param(True, marks=pytest.mark.slow), False])
def test_a_prediction_is_the_evaluations(corpus: dict[str, Path], tmp_path: Path, word_projector: bool) -> None:
    checkpoint = write_checkpoint(tmp_path / "weights", word_projector)
    placed = {
        "climb": ["h264", "rotated"],
        "ride horse": ["xvid", "open_gop", "truncated_avi"],
        "walk dog": ["one_frame"],
    }
    for name, kinds in placed.items():
        for kind in kinds:
            (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
            shutil.copy(corpus[kind], tmp_path / "set" / name)
    clips = [1, 3]
    features = read_features(evaluated(tmp_path / "set", "class_folders", "words", GOOGLE, checkpoint, clips))
    assert features.class_names == CLASSES
    files = [tmp_path / "set" / path for path in features.paths]
    assert len(files) == 6
    model, _ = load_model(checkpoint)
    for number in clips:
        found = embed_files(model, files, number, 8, FRAMES, 5, COMPUTE)
        assert found.videos == files
        assert not found.failures
        # the features of several clip counts are computed together, in other batches: equal to rounding
        torch.testing.assert_close(found.embeddings, features.videos[number], rtol=1e-5, atol=1e-6)
        answer = predict(files, CLASSES, checkpoint, GOOGLE, number, FRAMES, 5, COMPUTE)
        for row, prediction in enumerate(answer.predictions):
            cosines = [
                float(torch.nn.functional.cosine_similarity(features.videos[number][row], features.classes[k], dim=0))
                for k in range(3)
            ]
            assert [name for name, _ in prediction.ranking] == [CLASSES[k] for k in np.argsort(cosines)[::-1]]
            assert [value for _, value in prediction.ranking] == pytest.approx(sorted(cosines, reverse=True), abs=1e-5)
    alone = evaluated(tmp_path / "set", "class_folders", "words", GOOGLE, checkpoint, [3])
    assert torch.equal(found.embeddings, read_features(alone).videos[3])  # equal batches: equal to the bit


def test_a_prediction_of_real_clips_is_the_evaluations(realvideo: Path, tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "weights", dimension=100)
    for name in ("Punch", "Swing", "Lunges"):
        shutil.copytree(realvideo / "UCF-101" / name, tmp_path / "set" / name)
    features = read_features(evaluated(tmp_path / "set", "ucf101", "ucf101", GLOVE, checkpoint, [2]))
    found = embed_files(
        load_model(checkpoint)[0], [tmp_path / "set" / path for path in features.paths], 2, 8, FRAMES, 5, COMPUTE
    )
    assert torch.equal(found.embeddings, features.videos[2])


def test_broken_files_get_a_line_each_and_the_rest_goes_on(
    corpus: dict[str, Path], checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [corpus[kind] for kind in ("zero_bytes", "h264", "no_video", "audio_only", "truncated_avi")]
    files += [tmp_path, tmp_path / "none.mp4", corpus["xvid"]]
    answer = predict(files, CLASSES, checkpoint, GOOGLE, 1, FRAMES, 4, COMPUTE)
    assert [prediction.video for prediction in answer.predictions] == [files[1], files[4], files[7]]
    reasons = list(answer.failures.items())
    assert [path for path, _ in reasons] == [files[0], files[2], files[3], files[5], files[6]]
    assert [reason.split(":")[0] for _, reason in reasons] == [
        "empty",
        "unreadable",
        "no-video",
        "unreadable",
        "unreadable",
    ]
    lines = [
        line for line in capsys.readouterr().err.splitlines() if re.search("empty|unreadable|no-video|partial", line)
    ]
    assert len(lines) == 6
    assert "truncated.avi: partial: " in lines[3]
    assert lines[3].endswith("used as far as it goes")
    assert predict(files[:1], CLASSES, checkpoint, GOOGLE, 1, FRAMES, 4, COMPUTE).predictions == []


def test_a_video_that_takes_too_long_costs_only_itself(
    corpus: dict[str, Path], checkpoint: Path, tmp_path: Path
) -> None:
    long = media.xvid(tmp_path / "long.avi", frames=20_000)
    hurried = FRAMES.model_copy(update={"timeout_seconds": 1})
    answer = predict([long, corpus["one_frame"]], CLASSES, checkpoint, GOOGLE, 1, hurried, 4, COMPUTE)
    assert answer.failures == {long: "unreadable: gave no result within 1 s"}
    assert [prediction.video for prediction in answer.predictions] == [corpus["one_frame"]]


def test_names_become_means_of_unit_vectors(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("2 2\nride 3 0\nhorse 0 5\n")
    vectors = GOOGLE.model_copy(update={"vectors": str(tmp_path / "v.txt"), "dimension": 2})
    np.testing.assert_allclose(embed_classes(["horse", "RideHorse"], vectors), [[0, 1], [0.5, 0.5]])
    with pytest.raises(AurlError, match=r"does not know 'a', 'unicorn'; use other words .* or --vectors .*GoogleNews"):
        embed_classes(["ride a unicorn", "horse"], vectors)
    with pytest.raises(AurlError, match="no word in its name"):
        embed_classes(["?!"], vectors)


def test_a_name_with_an_unknown_word_is_read_in_the_other_way(capsys: pytest.CaptureFixture[str]) -> None:
    """README's and the docs' examples have gerunds, whose base forms alone are in the shipped file."""
    for tokens, other, name, said in [
        ("words", "lemmas", "surfing", "'surfing' is read as 'surf' (lemmas): the vectors do not know 'surfing'"),
        ("lemmas", "words", "climbing", ""),
    ]:
        made = embed_classes(["archery", name], GOOGLE, tokens, fallback=True)
        np.testing.assert_array_equal(made, embed_classes(["archery", name], GOOGLE, "lemmas"))
        assert (said in capsys.readouterr().err) or not said, other
    with pytest.raises(AurlError, match="'surfing'; near 'surfing': 'surf', .*--tokens lemmas"):
        embed_classes(["surfing"], GOOGLE)
    with pytest.raises(AurlError, match="does not know 'unicorn'; near 'unicorn': .*--list-words") as caught:
        embed_classes(["surfing", "unicorn"], GOOGLE, fallback=True)
    assert "'surfing'" not in str(caught.value), "it has a base form"


def test_all_known_words_can_be_listed() -> None:
    assert len(known_words(GOOGLE)) == 719
    assert {"surf", "archery"} <= set(known_words(GOOGLE))
    with pytest.raises(AurlError, match="my.sentences has no list of words"):
        known_words(EncoderSettings(name="my.sentences", dimension=3, missing="error"))


def test_folders_and_patterns_stand_for_their_videos(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "images").mkdir()
    names = ["a/2.mp4", "a/1.AVI", "a/b/3.mkv", "a/note.txt", "images/1.jpg"]
    for name in names:
        (tmp_path / name).touch()
    two, one, three = (tmp_path / name for name in names[:3])
    assert expand_videos([tmp_path / "a"]) == [one, two, three]
    assert expand_videos([tmp_path]) == [one, two, three, tmp_path / "images"], "images of a folder are one video"
    assert expand_videos([tmp_path / "a/*.mp4", two, tmp_path / "none.mp4"]) == [two, tmp_path / "none.mp4"]
    with pytest.raises(AurlError, match="no file fits this pattern"):
        expand_videos([tmp_path / "*.mp4"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(AurlError, match="empty: the folder has no video"):
        expand_videos([tmp_path / "empty"])


def test_the_answer_is_written_onto_the_video(corpus: dict[str, Path], tmp_path: Path) -> None:
    ranking = [("ride horse", 0.9), ("climb", 0.1)]
    (path,) = write_overlays([Prediction(corpus["rotated"], ranking)], tmp_path / "out.mp4", 60, 2048)
    properties, plain = probe(path), probe(corpus["rotated"])
    assert properties.status == "ok"
    assert properties.frames == plain.frames
    assert properties.rate == pytest.approx(plain.rate, rel=0.01)
    (whole,) = list(read_frames(path, properties.frames, 256))[:1]
    band = whole[0][-256 * 72 // properties.height :]
    assert band.max() > 200, "white letters"
    assert np.median(band) < 20, "on black"
    several = [Prediction(corpus[kind], ranking) for kind in ("h264", "xvid")]
    made = write_overlays(several, tmp_path / "folder", 60, 2048)
    assert [each.name for each in made] == [f"{n:03}-{each.video.stem}.mp4" for n, each in enumerate(several)]
    with pytest.raises(AurlError, match="2 videos need a folder"):
        write_overlays(several, tmp_path / "out.mp4", 60, 2048)
    with pytest.raises(AurlError, match="could not be made .*a folder of images has no rate"):
        write_overlays([Prediction(tmp_path, ranking)], tmp_path / "x.mp4", 60, 2048)


def test_class_names_from_a_list_or_a_file(tmp_path: Path) -> None:
    assert class_names(" a b, c ,,d", None) == ["a b", "c", "d"]
    (tmp_path / "names.txt").write_text("a, b\r\n\n  c\n")
    assert class_names(None, tmp_path / "names.txt") == ["a, b", "c"]
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    for listed, file, words in [
        (None, None, "give the class names"),
        ("a", tmp_path / "names.txt", "give the class names"),
        (" , ", None, "--classes: names no class"),
        ("a,b,a", None, "class 'a' is named twice"),
        (None, tmp_path / "none.txt", "not a readable text file"),
        (None, tmp_path / "binary.txt", "not a readable text file"),
    ]:
        with pytest.raises(AurlError, match=re.escape(words)):
            class_names(listed, file)


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ("playing (guitar, bass), running", ["playing (guitar, bass)", "running"]),
        ("a [b, (c, d)], e{f,g}", ["a [b, (c, d)]", "e{f,g}"]),
        ("a (b, c", ["a (b", "c"]),
        ("a), (b", ["a)", "(b"]),
    ],
)
def test_a_comma_in_brackets_is_part_of_a_name(listed: str, names: list[str]) -> None:
    assert class_names(listed, None) == names


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("1 ApplyEyeMakeup\r\n2 Archery\r\n", ["ApplyEyeMakeup", "Archery"]),
        ("0\tair drumming\n1\tarchery\n", ["air drumming", "archery"]),
        ("1 person\n2 person\n", ["1 person", "2 person"]),
        ("2 persons\n4 persons\n", ["2 persons", "4 persons"]),
        ("1\n2\n", ["1", "2"]),
    ],
)
def test_the_numbers_of_a_numbered_list_are_no_words(tmp_path: Path, content: str, names: list[str]) -> None:
    (tmp_path / "classInd.txt").write_text(content)
    assert class_names(None, tmp_path / "classInd.txt") == names


def test_equal_classes_of_a_prediction_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    embed_classes(["climb", "Ride_Horse", "ride horse"], GOOGLE)
    assert "no video tells apart: 'Ride_Horse' = 'ride horse'\n" in capsys.readouterr().err
    embed_classes(CLASSES, GOOGLE)
    assert not capsys.readouterr().err


@pytest.fixture
def micro() -> Experiment:
    return load_preset("micro")


def test_which_checkpoint_and_which_frames(micro: Experiment, tmp_path: Path) -> None:
    paths = ResultPaths("micro", tmp_path / "results")
    own = paths.of("checkpoint", variant="aurl", seed=0)
    with pytest.raises(AurlError, match=rf"{re.escape(str(own))}: not trained yet; run 'snakemake -- .*--checkpoint"):
        choose_checkpoint(micro, paths, None, None, None)
    for variant in ("aurl", "ls"):
        write_checkpoint(paths.of("checkpoint", variant=variant, seed=0).parent)
    assert choose_checkpoint(micro, paths, None, None, None) == own
    assert choose_checkpoint(micro, paths, None, "ls", 0) == paths.of("checkpoint", variant="ls", seed=0)
    assert choose_checkpoint(micro, paths, tmp_path / "x", None, None) == tmp_path / "x"
    with pytest.raises(AurlError, match="unknown variant 'foo'"):
        choose_checkpoint(micro, paths, None, "foo", None)
    with pytest.raises(AurlError, match="either --checkpoint, or"):
        choose_checkpoint(micro, paths, own, None, 0)
    described = {"frames": {"size": 48, "quality": 80, "chroma": "420"}}
    chosen = choose_frames(described, micro.frames, own, None)
    assert (chosen.size, chosen.quality, chosen.chroma) == (48, 80, "420")
    assert chosen.timeout_seconds == micro.frames.timeout_seconds
    assert choose_frames(described, micro.frames, own, 64).size == 64
    assert choose_frames({}, micro.frames, own, 112).size == 112
    with pytest.raises(AurlError, match="imported weights do not tell the size .*--size"):
        choose_frames({}, micro.frames, own, None)


def test_which_encoder(micro: Experiment) -> None:
    own = micro.semantics.encoder
    assert choose_encoder(own, None) is own
    assert choose_encoder(own, Path("v.bin")).model_dump() == {**own.model_dump(), "vectors": "v.bin"}
    other = EncoderSettings(name="my.sentences", dimension=3, missing="error")
    assert choose_encoder(other, None) is other
    with pytest.raises(AurlError, match="--vectors: the text encoder my.sentences reads no word vectors"):
        choose_encoder(other, Path("v.bin"))


def test_text_and_json(corpus: dict[str, Path], checkpoint: Path) -> None:
    files = [corpus["h264"], corpus["zero_bytes"]]
    answer = predict(files, CLASSES, checkpoint, GOOGLE, 1, FRAMES, 4, COMPUTE)
    (name, cosine), second, _ = answer.predictions[0].ranking
    assert cosine > second[1]
    margin = cosine - second[1]
    lines = as_text(answer, 2).splitlines()
    assert lines[0] == str(files[0])
    assert lines[1].split() == ["rank", "class", "cosine", "margin"]
    assert re.split(r"\s{2,}", lines[3]) == ["1", name, f"{cosine:.3f}", f"{margin:.3f}"]
    assert len(lines) == 5
    told = json.loads(as_json(answer, 1, "a note"))
    best = {"class": name, "cosine": round(cosine, 6), "margin": round(margin, 6)}
    assert told["predictions"] == [{"video": str(files[0]), "classes": [best]}]
    assert told["note"] == "a note"
    rows = list(csv.DictReader(as_csv(answer, 3).splitlines()))
    assert [row["class"] for row in rows] == [each for each, _ in answer.predictions[0].ranking] + [""]
    assert [row["margin"] == "" for row in rows] == [False, False, True, True], "the last class has none after it"
    assert float(rows[0]["margin"]) == pytest.approx(margin, abs=1e-6)
    assert (rows[3]["video"], rows[3]["failure"]) == (str(files[1]), "empty: the file has zero bytes")
    assert told["failures"] == [{"video": str(files[1]), "reason": "empty: the file has zero bytes"}]


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[object, str, str]:
    """Exit status (or the message that ends the program), output and errors of an `aurl` command in the repository."""
    status: object = 0
    with pytest.MonkeyPatch.context() as patch, tempfile.NamedTemporaryFile("w", suffix=".yaml") as params:
        params.write(preset_text("micro"))
        params.flush()
        patch.chdir(REPOSITORY)
        patch.setattr(sys, "argv", ["aurl", "--params", params.name, *map(str, arguments)])
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    return (status, *capsys.readouterr())


def test_the_commands(
    corpus: dict[str, Path], checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, good, empty = ("--checkpoint", checkpoint, "--size", "24"), corpus["h264"], corpus["zero_bytes"]
    status, output, errors = run(capsys, "predict", good, empty, "--classes", "climb,walk dog", *weights, "--json")
    assert status == 1
    assert [one["video"] for one in json.loads(output)["predictions"]] == [str(good)]
    assert f"{empty}: empty: the file has zero bytes\n" in errors
    status, output, _ = run(capsys, "predict", good, "--classes", "climb,walk dog,jump", *weights, "--top", "2")
    assert status == 0
    assert len(output.splitlines()) == 5
    assert max(map(len, output.splitlines()[1:])) <= 80
    for tokens, unknown in (((), "'unicorn'"), (("--tokens", "words"), "'a', 'unicorn'")):  # by default as for Kinetics
        status, output, _ = run(capsys, "predict", good, "--classes", "climb,walk a unicorn", *weights, *tokens)
        assert str(status).startswith(f"aurl: error: data/googlenews_action_subset.bin: does not know {unknown}; ")
        assert output == ""
    status, _, _ = run(capsys, "predict", good, "--classes", "climb", "--checkpoint", checkpoint)
    assert status == 0, "the description tells the frame size"
    described = json.loads(checkpoint.with_suffix(".json").read_text())
    del described["frames"]
    checkpoint.with_suffix(".json").write_text(json.dumps(described))
    status, _, _ = run(capsys, "predict", good, "--classes", "climb", "--checkpoint", checkpoint)
    assert "imported weights do not tell the size" in str(status)
    np.save(tmp_path / "words.npy", np.ones((2, 300)))
    words, made = tmp_path / "words.npy", tmp_path / "out.npz"
    assert run(capsys, "encode", "--checkpoint", checkpoint, "--vectors", words, "--output", made)[0] == 0
    assert np.load(made)["word"].shape == (2, 12)


# --- encode ----------------------------------------------------------------------------------------------


def test_encode_gives_the_models_embeddings(checkpoint: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clips = rng.integers(0, 256, (5, 8, 24, 24, 3), dtype=np.uint8)
    words = rng.normal(size=(7, 300))
    np.save(tmp_path / "clips.npy", np.asfortranarray(clips))
    np.save(tmp_path / "words.npy", words)
    files = (tmp_path / "clips.npy", tmp_path / "words.npy")
    encode(checkpoint, *files, tmp_path / "out.npz", 2, COMPUTE)
    model, _ = load_model(checkpoint)
    with np.load(tmp_path / "out.npz") as found, torch.inference_mode():
        assert sorted(found) == ["video", "word"]
        assert found["video"].dtype == found["word"].dtype == np.float32
        for begin in (0, 2, 4):
            expected = model.embed_videos(torch.from_numpy(clips[begin : begin + 2]))
            np.testing.assert_array_equal(found["video"][begin : begin + 2], expected)
        np.testing.assert_array_equal(found["word"], model.embed_classes(torch.from_numpy(words.astype(np.float32))))
    first = (tmp_path / "out.npz").read_bytes()
    encode(checkpoint, *files, tmp_path / "again.npz", 2, COMPUTE)
    assert (tmp_path / "again.npz").read_bytes() == first
    encode(checkpoint, None, files[1], tmp_path / "again.npz", 2, COMPUTE)
    assert list(np.load(tmp_path / "again.npz")) == ["word"]
    encode(checkpoint, files[0], None, tmp_path / "again.npz", 2, COMPUTE)
    assert list(np.load(tmp_path / "again.npz")) == ["video"]


def test_clips_of_another_length_are_said(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "clips.npy", np.zeros((1, 4, 16, 16, 3), np.uint8))
    encode(checkpoint, tmp_path / "clips.npy", None, tmp_path / "out.npz", 2, COMPUTE)
    assert "clips of 4 frames; this model's have 8" in capsys.readouterr().err


def content(kind: str, path: Path) -> Path:
    arrays = {
        "float clips": np.zeros((1, 4, 16, 16, 3)),
        "planar clips": np.zeros((1, 3, 4, 16, 16), np.uint8),
        "no clips": np.zeros((0, 4, 16, 16, 3), np.uint8),
        "one clip": np.zeros((4, 16, 16, 3), np.uint8),
        "narrow words": np.zeros((2, 200)),
        "whole words": np.zeros((2, 300), np.int64),
        "one word": np.zeros(300),
        "infinite words": np.full((1, 300), np.inf),
    }
    if kind in arrays:
        np.save(path, arrays[kind])
    elif kind == "objects":
        np.save(path, np.array([{}, None], object), allow_pickle=True)
    elif kind == "archive":
        with path.open("wb") as handle:
            np.savez(handle, a=np.zeros(3))
    elif kind == "cut":
        np.save(path, np.zeros((9, 300)))
        path.write_bytes(path.read_bytes()[:-10])
    elif kind != "missing":
        path.write_bytes({"text": b"hello", "empty": b""}[kind])
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("float clips", "float64 of shape (1, 4, 16, 16, 3); clips are uint8"),
        ("planar clips", "uint8 of shape (1, 3, 4, 16, 16); clips are uint8 (clips, frames, height, width, 3)"),
        ("no clips", "shape (0, 4, 16, 16, 3)"),
        ("one clip", "shape (4, 16, 16, 3)"),
        ("narrow words", "shape (2, 200); this checkpoint takes floating point (rows, 300)"),
        ("whole words", "int64 of shape"),
        ("one word", "shape (300,)"),
        ("infinite words", "not finite"),
        ("objects", "not a readable .npy array"),
        ("archive", "an archive of arrays"),
        ("cut", "not a readable .npy array"),
        ("text", "not a readable .npy array"),
        ("empty", "not a readable .npy array"),
        ("missing", "no such file"),
    ],
)
def test_bad_arrays_get_one_line_and_leave_the_output(checkpoint: Path, tmp_path: Path, kind: str, words: str) -> None:
    path, output = content(kind, tmp_path / "given.npy"), tmp_path / "out.npz"
    output.write_text("old")
    clips, vectors = (path, None) if "clip" in kind else (None, path)
    with pytest.raises(AurlError) as error:
        encode(checkpoint, clips, vectors, output, 2, COMPUTE)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{path}: ")
    assert words in str(error.value)
    assert output.read_text() == "old"


def test_checkpoints_that_are_not_there_or_damaged(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(AurlError, match="nothing to encode"):
        encode(checkpoint, None, None, tmp_path / "out.npz", 2, COMPUTE)
    with pytest.raises(AurlError, match="no such checkpoint"):
        load_model(tmp_path / "none.safetensors")
    description = checkpoint.with_suffix(".json")
    text = description.read_text()
    description.write_text("{}")
    with pytest.raises(AurlError, match="not a usable checkpoint"):
        load_model(checkpoint)
    description.unlink()
    with pytest.raises(AurlError, match="description must be beside seed0.safetensors"):
        load_model(checkpoint)
    description.write_text(text)
    load_model(checkpoint)

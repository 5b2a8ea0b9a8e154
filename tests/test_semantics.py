"""Tokens, word vectors, class embeddings and the strict-label filter."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st

from aurl.errors import AurlError
from aurl.semantics.classes import ClassEmbeddings, read_embeddings, read_seen_classes
from aurl.semantics.embedding import class_embedding, embed_classes, embed_dataset
from aurl.semantics.seen import cosine_distances, filter_seen, seen_class_table, write_seen_classes
from aurl.semantics.tokens import class_tokens, words
from aurl.semantics.vectors import load_vectors

DATA = Path(__file__).resolve().parents[1] / "data"
TABLE = DATA / "class_tokens.csv"


@pytest.fixture(scope="module")
def google() -> KeyedVectors:
    return load_vectors(DATA / "googlenews_action_subset.bin", 300)


def test_words_split_names_of_every_style() -> None:
    assert words("ApplyEyeMakeup") == ["apply", "eye", "makeup"]
    assert words("brush_hair") == ["brush", "hair"]
    assert words("red circle bounce") == ["red", "circle", "bounce"]
    assert words("playing TV-games 2") == ["playing", "tv", "games", "2"]
    assert words("!!!") == []


def test_tokens_come_from_the_table_with_or_without_underscores() -> None:
    assert class_tokens(["brush_hair", "brush hair"], "hmdb51", TABLE)["brush_hair"] == ["brush", "hair"]
    assert class_tokens(["ApplyEyeMakeup"], "ucf101", TABLE) == {"ApplyEyeMakeup": ["apply", "eye", "makeup"]}
    with pytest.raises(AurlError, match="no class 'Flying'"):
        class_tokens(["Flying"], "ucf101", TABLE)
    with pytest.raises(AurlError, match="no word in its name"):
        class_tokens(["..."], "words", TABLE)


def test_class_embedding_is_the_mean_of_unit_vectors_not_scaled_again() -> None:
    vectors = KeyedVectors(2)
    vectors.add_vectors(["long", "jump"], np.array([[3.0, 0.0], [0.0, 0.5]], np.float32))
    np.testing.assert_allclose(class_embedding(["long", "jump"], vectors), [0.5, 0.5])
    np.testing.assert_allclose(class_embedding(["long", "long", "jump"], vectors), [2 / 3, 1 / 3], rtol=1e-6)


def test_missing_words_are_listed_with_their_classes_or_drop_the_class(google: KeyedVectors) -> None:
    tokens = {"b": ["red", "qqzx"], "a": ["zzyx"], "c": ["red", "circle"]}
    with pytest.raises(AurlError, match=r"2 of 3 classes .*a: zzyx; b: qqzx.*drop_class"):
        embed_classes(tokens, google, "error", "test")
    kept = embed_classes(tokens, google, "drop_class", "test")
    assert kept.classes == ["c"]
    assert kept.dropped == {"a": ["zzyx"], "b": ["qqzx"]}
    with pytest.raises(AurlError, match="no class has all of its words"):
        embed_classes({"a": ["zzyx"]}, google, "drop_class", "test")


def small_vectors() -> KeyedVectors:
    vectors = KeyedVectors(5)
    vectors.add_vectors(["red", "circle", "héllo"], np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32))
    return vectors


@pytest.mark.parametrize("name", ["v.bin", "v.bin.gz", "v.txt", "v.vec.gz"])
def test_vectors_are_read_binary_and_text_plain_and_gzipped(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    small_vectors().save_word2vec_format(str(path), binary=".bin" in name)
    np.testing.assert_allclose(load_vectors(path, 5)["héllo"], small_vectors()["héllo"], atol=1e-5)


@pytest.mark.parametrize("name", ["v.bin", "v.txt", "v.bin.gz"])
@pytest.mark.parametrize("share", [0.95, 0.5, 0.01])
def test_cut_vectors_are_refused_in_one_line(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    small_vectors().save_word2vec_format(str(path), binary=".bin" in name)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(AurlError) as caught:
        load_vectors(path, 5)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_trouble_with_vectors(tmp_path: Path) -> None:
    with pytest.raises(AurlError, match="no such vectors file"):
        load_vectors(tmp_path / "none.bin", 300)
    with pytest.raises(AurlError, match="300 dimensions, semantics.dimension says 100"):
        load_vectors(DATA / "googlenews_action_subset.bin", 100)
    gzipped_html = tmp_path / "page.bin.gz"
    gzipped_html.write_bytes(gzip.compress(b"<html>not found</html>"))
    with pytest.raises(AurlError, match="damaged or cut short"):
        load_vectors(gzipped_html, 300)


def test_embeddings_file_round_trip(tmp_path: Path) -> None:
    manifest = tmp_path / "shapes.csv"
    manifest.write_text("path,class,status\na.mp4,red circle,ok\nb.mp4,blue ring,ok\nc.mp4,broken,unreadable\n")
    for output in (tmp_path / "one.safetensors", tmp_path / "two.safetensors"):
        embed_dataset(manifest, "leave_out", "words", DATA / "googlenews_action_subset.bin", 300, "error", output)
    found = read_embeddings(tmp_path / "one.safetensors")
    assert found.classes == ["blue ring", "red circle"]
    assert found.vectors.shape == (2, 300)
    assert found.vectors.dtype == np.float32
    assert found.tokens["red circle"] == ["red", "circle"]
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()


@given(st.integers(0, 10_000), st.floats(0.01, 1.5))
def test_filter_equals_a_plain_loop(seed: int, tau: float) -> None:
    rng = np.random.default_rng(seed)
    seen, unseen = rng.normal(size=(8, 5)), rng.normal(size=(4, 5))
    expected = [min(1 - s @ u / np.linalg.norm(s) / np.linalg.norm(u) for u in unseen) >= tau for s in seen]
    assert filter_seen(seen, unseen, tau).tolist() == expected


def test_filter_edges() -> None:
    vectors = np.array([[1.0, 2.0, 3.0], [0.1, 0.7, 0.3]])
    assert not filter_seen(vectors, vectors, 0.05).any()
    assert filter_seen(vectors, vectors, 0.0).all(), "tau 0 is no filter, even for equal classes"
    half = np.array([[1.0, 0.0]]), np.array([[0.5, np.sqrt(0.75)]])
    assert filter_seen(*half, float(cosine_distances(*half)[0, 0])).all(), ">= as in the released code"


def embeddings(names: list[str], google: KeyedVectors, source: str) -> ClassEmbeddings:
    return embed_classes(class_tokens(names, source, TABLE), google, "drop_class", source)


def test_strict_labels_on_the_real_class_lists(google: KeyedVectors) -> None:
    """tau 0.05 removes the 36 classes whose words equal a test class's, and two that only vectors find."""
    import csv

    with TABLE.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    names = {
        name: [row["class"] for row in rows if row["dataset"] == name] for name in ("kinetics700", "ucf101", "hmdb51")
    }
    test_tokens = {tuple(sorted(row["tokens"].split())) for row in rows if row["dataset"] != "kinetics700"}
    equal = {
        row["class"]
        for row in rows
        if row["dataset"] == "kinetics700" and tuple(sorted(row["tokens"].split())) in test_tokens
    }
    assert len(equal) == 36
    kinetics = embeddings(names["kinetics700"], google, "kinetics700")
    unseen = {name: embeddings(names[name], google, name) for name in ("ucf101", "hmdb51")}
    table = seen_class_table(kinetics, unseen, 0.05)
    removed = table[~table["kept"]].set_index("class")
    # the shipped vectors miss some words, so some of the 36 are not embedded at all
    assert set(removed.index) - equal == {"throwing discus", "canoeing or kayaking"}
    assert equal & set(kinetics.classes) <= set(removed.index)
    assert removed.loc["throwing discus", "nearest_class"] == "JavelinThrow"
    assert removed.loc["throwing discus", "distance"] == pytest.approx(0.0425, abs=5e-5)
    assert removed.loc["canoeing or kayaking", "distance"] == pytest.approx(0.0469, abs=5e-5)


def test_seen_class_file(tmp_path: Path, google: KeyedVectors) -> None:
    files = {}
    for dataset, names in {
        "seen": ["red ring", "blue square", "green cross"],
        "test": ["red ring", "black cross"],
    }.items():
        manifest = tmp_path / f"{dataset}.csv"
        manifest.write_text("path,class,status\n" + "".join(f"{n}.mp4,{n},ok\n" for n in names))
        files[dataset] = tmp_path / f"{dataset}.safetensors"
        embed_dataset(manifest, "error", "words", DATA / "googlenews_action_subset.bin", 300, "error", files[dataset])
    output = tmp_path / "seen_classes.csv"
    write_seen_classes(files["seen"], {"test": files["test"]}, 0.05, 2, output)
    assert read_seen_classes(output, strict=True) == ["blue square", "green cross"]
    assert read_seen_classes(output, strict=False) == ["blue square", "green cross", "red ring"]
    with pytest.raises(AurlError, match="expected_seen_classes = 3: .* keeps 2 of 3"):
        write_seen_classes(files["seen"], {"test": files["test"]}, 0.05, 3, output)
    with pytest.raises(AurlError, match="lower tau"):
        write_seen_classes(files["seen"], {"test": files["test"]}, 1.9, None, output)

"""Tokens, word vectors, class embeddings and the strict-label filter."""

import gzip
import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from aurl.semantics.classes import ClassEmbeddings, equal_classes, read_embeddings, read_seen_classes
from aurl.semantics.embedding import check_embeddings, embed_dataset
from aurl.semantics.encoders.word2vec import Settings, class_embedding, embed_tokens
from aurl.semantics.seen import cosine_distances, filter_seen, seen_class_table, write_seen_classes
from aurl.semantics.tokens import class_tokens, words
from aurl.semantics.vectors import load_vectors
from aurl.system.errors import AurlError

DATA = Path(__file__).resolve().parents[2] / "data"
TABLE = DATA / "class_tokens.csv"


def word2vec(path: Path, dimension: int, missing: str = "error") -> Settings:
    return Settings(name="word2vec", vectors=str(path), dimension=dimension, missing=missing)


def embed_classes(tokens: dict[str, list[str]], vectors: KeyedVectors, missing: str, where: str) -> ClassEmbeddings:
    """Embed by word vectors, and apply the policy of the settings."""
    embeddings = embed_tokens(tokens, vectors)
    check_embeddings(embeddings, word2vec(TABLE, vectors.vector_size, missing), where)
    return embeddings


GOOGLE = word2vec(DATA / "googlenews_action_subset.bin", 300)


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
    with pytest.raises(AurlError, match="300 dimensions, semantics.encoder.dimension says 100"):
        load_vectors(DATA / "googlenews_action_subset.bin", 100)
    gzipped_html = tmp_path / "page.bin.gz"
    gzipped_html.write_bytes(gzip.compress(b"<html>not found</html>"))
    with pytest.raises(AurlError, match="damaged or cut short"):
        load_vectors(gzipped_html, 300)


def words_in_binary(*words: bytes) -> bytes:
    return b"".join(word + b" " + np.arange(5, dtype="<f4").tobytes() for word in words)


HOSTILE_VECTORS = {
    "page": b"<!doctype html>\n<html><body>404 not found</body></html>\n",
    "zero words": b"0 5\n",
    "negative": b"-3 5\n" + words_in_binary(b"red"),
    "no dimensions": b"1 0\nred \n",
    "10^12 words": b"1000000000000 5\n" + words_in_binary(b"red", b"blue"),
    "10^12 words of 5 dimensions in digits without end": b"1" * 10**6,
    "more words than there are": b"9 5\n" + words_in_binary(b"red", b"blue"),
    "far more bytes than words": b"1 5\n" + words_in_binary(*([b"red"] * 1000)),
    "a word without end": b"9000 5\n" + words_in_binary(b"red") + b"x" * 2**21,
    "a hole": b"90000 5\n" + words_in_binary(b"red") + bytes(2**22),
    "half of the words are not UTF-8": b"2 5\n" + words_in_binary(b"caf\xe9", b"red"),
    "not finite": b"1 5\nred " + np.full(5, np.nan, "<f4").tobytes(),
    "a pickle": pickle.dumps({"red": [1.0] * 5}),
    "garbage": bytes(range(256)) * 20,
}
HOSTILE_TEXT = {
    "words for numbers": b"1 5\nred a b c d e\n",
    "too few numbers": b"2 5\nred 1 2 3 4\nblue 1 2 3 4 5\n",
    "too many numbers": b"2 5\nred 1 2 3 4 5 6\nblue 1 2 3 4 5\n",
    "nan": b"1 5\nred 1 2 nan 4 5\n",
    "infinite": b"1 5\nred 1 2 1e99 4 5\n",
    "10^12 words": b"1000000000000 5\nred 1 2 3 4 5\n",
    "a line without end": b"9000 5\nred 1 2 3 4 5\nblue" + b" 1" * 2**20,
    "not UTF-8": b"1 5\ncaf\xe9 1 2 3 4 5\n",
}
HOSTILE = {
    **{f"v.bin: {name}": content for name, content in HOSTILE_VECTORS.items()},
    **{f"v.bin.gz: {name}": gzip.compress(content) for name, content in HOSTILE_VECTORS.items()},
    **{f"v.txt: {name}": content for name, content in HOSTILE_TEXT.items()},
    **{f"v.txt.gz: {name}": gzip.compress(content) for name, content in HOSTILE_TEXT.items()},
    "v.bin.gz: cut": gzip.compress(b"2 5\n" + words_in_binary(b"red", b"blue"))[:-20],
    "v.bin.gz: damaged": gzip.compress(b"2 5\n" + words_in_binary(b"red", b"blue"))[:30] + b"?" * 40,
    "v.bin.gz: bad block": gzip.compress(b"")[:10] + b"\xff" * 40,
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_hostile_vectors_are_refused_in_one_line(tmp_path: Path, case: str) -> None:
    path = tmp_path / case.split(":")[0]
    path.write_bytes(HOSTILE[case])
    with pytest.raises(AurlError) as caught:
        load_vectors(path, 5)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith("fetch the file again")
    assert "\n" not in text


LOAD_ALL = """
import resource, sys
from pathlib import Path
from aurl.system.errors import AurlError
from aurl.semantics.vectors import load_vectors
resource.setrlimit(resource.RLIMIT_DATA, (2**29, 2**29))
for path in sys.argv[1:]:
    try:
        load_vectors(Path(path), 5)
    except AurlError:
        print("refused")
"""


def test_a_gzip_bomb_takes_neither_memory_nor_time(tmp_path: Path) -> None:
    """Half a megabyte that unpacks to a gigabyte, after several headers, with half a gigabyte of memory."""
    zeros = gzip.compress(bytes(2**26), compresslevel=6) * 16
    bombs = []
    for number, head in enumerate([b"", b"5 5\n", b"1000000 5\n", b"1000000000000 5\n"]):
        for suffix in ("bin.gz", "txt.gz"):
            bombs.append(tmp_path / f"{number}.{suffix}")
            bombs[-1].write_bytes(gzip.compress(head) + zeros)
    started = time.monotonic()
    command = [sys.executable, "-c", LOAD_ALL, *map(str, bombs)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.stdout.split() == ["refused"] * len(bombs), ended.stderr
    assert time.monotonic() - started < 20


def test_nothing_in_a_vectors_file_is_executed(tmp_path: Path) -> None:
    class Touch:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "executed"),)

    for name in ("v.bin", "v.txt", "v.kv", "v.model"):
        (tmp_path / name).write_bytes(pickle.dumps(Touch()))
        with pytest.raises(AurlError):
            load_vectors(tmp_path / name, 5)
    assert not (tmp_path / "executed").exists()
    pickle.loads((tmp_path / "v.kv").read_bytes())  # noqa: S301 (what would have happened)
    assert (tmp_path / "executed").exists()


def test_a_word_of_zeros_is_refused_only_where_a_class_needs_it(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("3 2\nred 1 2\nzero 0 0\nback -1 -2\n")
    vectors = load_vectors(path, 2)
    assert embed_classes({"a": ["red"]}, vectors, "error", "test").classes == ["a"]
    for words_of_class in (["zero"], ["red", "zero"], ["red", "back"]):
        with pytest.raises(AurlError, match="test: the vectors of class 'b' are zero or cancel"):
            embed_classes({"a": ["red"], "b": words_of_class}, vectors, "error", "test")


EMBEDDED = {"embeddings": np.eye(2, 3, dtype=np.float32)}
DESCRIBED = {"classes": ["a", "b"], "tokens": {"a": ["red"], "b": ["blue"]}, "dropped": {"c": ["zzyx"]}}


def described(**changes: object) -> dict[str, str]:
    return {"aurl": json.dumps({**DESCRIBED, **changes})}


HOSTILE_HEADER = b'{"embeddings":{"dtype":"F32","shape":[1000000000000,300],"data_offsets":[0,4]}}'
WRONG_EMBEDDINGS = {
    "empty": b"",
    "page": b"<html>404</html>",
    "cut": save(EMBEDDED, described())[:-4],
    "cut header": save(EMBEDDED, described())[:40],
    "header without end": b"\xff" * 8 + b"{}",
    "header of 1 GB": (10**9).to_bytes(8, "little") + b"{}",
    "hostile shape": len(HOSTILE_HEADER).to_bytes(8, "little") + HOSTILE_HEADER + b"0000",
    "deep metadata": save(EMBEDDED, {"aurl": "[" * 10**5}),
    "no metadata": save(EMBEDDED),
    "other metadata": save(EMBEDDED, {"format": "pt"}),
    "no JSON": save(EMBEDDED, {"aurl": "{"}),
    "no mapping": save(EMBEDDED, {"aurl": "[1]"}),
    "missing key": save(EMBEDDED, {"aurl": json.dumps({"classes": ["a", "b"]})}),
    "no such tensor": save({"vectors": EMBEDDED["embeddings"]}, described()),
    "too few rows": save({"embeddings": EMBEDDED["embeddings"][:1]}, described()),
    "one dimension": save({"embeddings": np.ones(2, np.float32)}, described()),
    "not finite": save({"embeddings": np.full((2, 3), np.inf, np.float32)}, described()),
    "classes not sorted": save(EMBEDDED, described(classes=["b", "a"])),
    "classes are numbers": save(EMBEDDED, described(classes=[1, 2])),
    "classes are a text": save(EMBEDDED, described(classes="ab")),
    "words are numbers": save(EMBEDDED, described(tokens={"a": [1], "b": ["blue"]})),
    "tokens of other classes": save(EMBEDDED, described(tokens={"a": ["red"], "z": ["blue"]})),
}


@pytest.mark.parametrize("case", WRONG_EMBEDDINGS)
def test_wrong_embeddings_are_refused_in_one_line(tmp_path: Path, case: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(save(EMBEDDED, described()))
    assert read_embeddings(path).classes == ["a", "b"]
    path.write_bytes(WRONG_EMBEDDINGS[case])
    with pytest.raises(AurlError) as caught:
        read_embeddings(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: unreadable (")
    assert text.endswith(f"make it again ('snakemake --force -- {path}')")
    assert "\n" not in text
    assert len(text) < 600


def test_embeddings_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(AurlError, match="No such file.*make it again"):
        read_embeddings(tmp_path / "none.safetensors")


SEEN_HEADER = "class,kept,distance,nearest_class,nearest_dataset\n"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0" * 100, bytes(range(256)), b"<html>\n404\n</html>\n", b"class,kept,distance\na,True,0.1\n",
        f"{SEEN_HEADER}a,True,0.1,b".encode(), f"{SEEN_HEADER}a,True,0.1,b\n".encode(),
        f"{SEEN_HEADER}a,maybe,0.1,b,ucf\n".encode(), f"{SEEN_HEADER}a,True,near,b,ucf\n".encode(),
        f"{SEEN_HEADER}a,True,,b,ucf\n".encode(), f"{SEEN_HEADER}a,True,nan,b,ucf\n".encode(),
        f"{SEEN_HEADER}a,True,inf,b,ucf\n".encode(), f"{SEEN_HEADER}a,,0.1,b,ucf\n".encode(),
        f"{SEEN_HEADER}{'a' * 200_000},True,0.1,b,ucf\n".encode(),
    ],
)  # fmt: skip
def test_wrong_seen_classes_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "seen_classes.csv"
    path.write_text(f"{SEEN_HEADER}nan,True,0.1,b,ucf\n")
    assert read_seen_classes(path, strict=True) == ["nan"]
    path.write_bytes(content)
    with pytest.raises(AurlError) as caught:
        read_seen_classes(path, strict=True)
    assert str(path) in str(caught.value)
    assert "make it again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_embeddings_file_round_trip(tmp_path: Path) -> None:
    manifest = tmp_path / "shapes.csv"
    manifest.write_text("path,class,status\na.mp4,red circle,ok\nb.mp4,blue ring,ok\nc.mp4,broken,unreadable\n")
    for output in (tmp_path / "one.safetensors", tmp_path / "two.safetensors"):
        embed_dataset(manifest, "leave_out", "words", GOOGLE, output)
    found = read_embeddings(tmp_path / "one.safetensors")
    assert found.classes == ["blue ring", "red circle"]
    assert found.vectors.shape == (2, 300)
    assert found.vectors.dtype == np.float32
    assert found.texts["red circle"] == ["red", "circle"]
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()


SAME = ["Red_Circle", "circle red", "red circle", "red ring"]


def test_equal_classes_are_named_and_forbidden_in_a_test_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, output = tmp_path / "shapes.csv", tmp_path / "shapes.safetensors"
    manifest.write_text("path,class,status\n" + "".join(f"{name}.mp4,{name},ok\n" for name in SAME))
    embed_dataset(manifest, "leave_out", "words", GOOGLE, output)
    named = "only one can be predicted: 'Red_Circle' = 'circle red' = 'red circle'"
    assert named in capsys.readouterr().err
    assert equal_classes(read_embeddings(output)) == [SAME[:3]]
    output.unlink()
    with pytest.raises(AurlError, match=f"{named}; rename them .*datasets.shapes.equal_words to allow"):
        embed_dataset(manifest, "leave_out", "words", GOOGLE, output, distinct=True)
    assert not output.exists()


@pytest.mark.parametrize(
    ("source", "names", "groups"),
    [
        ("words", ["jump rope", "jump_rope", "Jump_Rope", "skiing"], [["Jump_Rope", "jump rope", "jump_rope"]]),
        ("words", ["red", "red red"], [["red", "red red"]]),
        ("words", ["red circle", "red red circle"], []),
        ("lemmas", ["tapping", "tap", "taping", "run"], [["tap", "taping", "tapping"]]),
        ("lemmas", ["open the door", "opening door", "shut door"], [["open the door", "opening door"]]),
        ("lemmas", ["running", "run", "jumping", "jump"], [["jump", "jumping"], ["run", "running"]]),
    ],
)
def test_equal_classes_by_words_and_lemmas(
    google: KeyedVectors, source: str, names: list[str], groups: list[list[str]]
) -> None:
    assert equal_classes(embeddings(names, google, source)) == groups


def test_equal_embeddings_of_other_texts_are_equal_classes() -> None:
    found = ClassEmbeddings(
        ["a", "b", "c"], np.array([[1, 2], [1, 2], [2, 4]], np.float32), {n: [n] for n in "abc"}, {}
    )
    assert equal_classes(found) == [["a", "b"]]


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
    test_tokens = {tuple(sorted(row["tokens"].split())) for row in rows if row["dataset"] in ("ucf101", "hmdb51")}
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
        embed_dataset(manifest, "error", "words", GOOGLE, files[dataset])
    output = tmp_path / "seen_classes.csv"
    write_seen_classes(files["seen"], {"test": files["test"]}, 0.05, 2, output)
    assert read_seen_classes(output, strict=True) == ["blue square", "green cross"]
    assert read_seen_classes(output, strict=False) == ["blue square", "green cross", "red ring"]
    with pytest.raises(AurlError, match="expected_seen_classes = 3: .* keeps 2 of 3"):
        write_seen_classes(files["seen"], {"test": files["test"]}, 0.05, 3, output)
    with pytest.raises(AurlError, match="lower tau"):
        write_seen_classes(files["seen"], {"test": files["test"]}, 1.9, None, output)

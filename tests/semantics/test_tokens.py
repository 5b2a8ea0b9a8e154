"""The tokenizer for any dataset, and what it gives for the official class lists."""

import shutil
from pathlib import Path

import official_tokens as official
import pytest

from aurl.experiment.parts import FROM_NAMES, check_tokens, token_datasets
from aurl.semantics.tokens import STOP_WORDS, class_tokens, lemmas, read_token_table
from aurl.semantics.wordnet import Verbs, read_verbs
from aurl.system.errors import AurlError
from aurl.system.files import replace_section

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = REPOSITORY / "data/class_tokens.csv"
VERBS = REPOSITORY / "data/wordnet/verb_lemmas.txt"
EXCEPTIONS = REPOSITORY / "data/wordnet/verb.exc"
SIZES = {"kinetics700": 700, "ucf101": 101, "hmdb51": 51, "activitynet200": 200, "olympic_sports16": 16}
GARBAGE = {
    "empty": b"",
    "binary": bytes(range(256)) * 40,
    "zeros": b"\0" * 1000 + b"\n",
    "not UTF-8": "dataset,class,tokens\nx,café,drink\n".encode("latin-1"),
    "page": b"<!doctype html>\n<html><body>\n\n404</body></html>\n",
    "no end": b"dataset,class,tokens\nucf101,Archery,arch",
    "huge": b"dataset,class,tokens\nucf101," + b"a" * 200_000 + b",x\n",
}


@pytest.fixture(autouse=True)
def in_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


@pytest.fixture(scope="module")
def verbs() -> Verbs:
    return read_verbs(VERBS, EXCEPTIONS)


def refused(error: pytest.ExceptionInfo[AurlError], path: Path) -> bool:
    """One short line that names the file and tells what to do."""
    text = str(error.value)
    return str(path) in text and "\n" not in text and "; " in text and len(text) < 600


@pytest.mark.parametrize(
    ("word", "lemma"),
    [
        ("jumping", "jump"), ("making", "make"), ("carries", "carry"), ("washes", "wash"), ("stopped", "stop"),  # endings
        ("shot", "shoot"), ("swimming", "swim"), ("tying", "tie"), ("being", "be"),  # exceptions
        ("shoes", "shoe"), ("leaves", "leave"),  # nouns that are verbs too
        ("potatoes", "potatoes"), ("spaghetti", "spaghetti"), ("texting", "texting"), ("s", "s"),  # no verbs
        ("riding", "rid"), ("bathing", "bath"),  # the shortest, as released
    ],
)  # fmt: skip
def test_verb_lemmas(verbs: Verbs, word: str, lemma: str) -> None:
    assert verbs.lemma(word) == lemma


def test_exceptions_come_before_endings_and_only_verbs_count() -> None:
    verbs = Verbs(frozenset({"die", "dy", "dye"}), {"dying": ["die"], "gone": ["go"]})
    assert verbs.lemma("dying") == "die", "not dy, which is shorter"
    assert verbs.lemma("dyed") == "dy"
    assert verbs.lemma("gone") == "gone", "go is no verb of this list"


def test_lemmas_of_names(verbs: Verbs) -> None:
    assert lemmas("PuttingOn_shoes", verbs) == ["put", "shoe"]
    assert lemmas("throwing ball (not baseball or American football)", verbs) == ["throw", "ball"]
    assert lemmas("shooting goal (soccer)", verbs) == ["shoot", "goal", "soccer"]
    assert lemmas("holding (nothing)", verbs) == ["hold", "nothing"], "only the word 'not'"
    assert lemmas("combing a person's hair", verbs) == lemmas("combing a person\u2019s hair", verbs)
    assert lemmas("combing a person's hair", verbs) == ["comb", "person", "hair"]
    assert class_tokens(["washing dishes", "WashingDishes"], "lemmas")["WashingDishes"] == ["wash", "dish"]
    with pytest.raises(AurlError, match="'on the' has no word in its name beside stop words"):
        class_tokens(["on the"], "lemmas")


def test_no_released_class_keeps_a_stop_word_but_the_documented_one() -> None:
    tables = {dataset: read_token_table(TABLE, dataset) for dataset in official.RELEASED}
    kept = {name for table in tables.values() for name, tokens in table.items() if STOP_WORDS & set(tokens)}
    assert kept == {"WritingOnBoard"}


def test_documented_differences_are_those_of_the_code() -> None:
    found = official.differences()
    for row in found.itertuples():
        assert row.released != row.ours
    assert len(found) == 29
    assert set(found["difference"]) == {"other words"}
    text = official.DOCUMENT.read_text()
    assert f"<!-- {official.SECTION} -->\n{official.report()}<!-- end -->\n" in text
    assert f"Equal, in order: {100 * (1 - 29 / (700 + 101 + 51)):.1f} % of the classes" in text


def test_a_changed_rule_would_show_in_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aurl.semantics.tokens.STOP_WORDS", STOP_WORDS - {"using"})
    using = sum(name.startswith("using ") for name in read_token_table(TABLE, "kinetics700"))
    assert len(official.differences()) == 29 + using - 1, "one of them differs anyway"
    assert official.report() not in official.DOCUMENT.read_text()


def test_our_rows_of_the_table_are_what_the_tokenizer_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made again in a copy whose rows are damaged, the table and the document come out as they are here."""
    shutil.copytree("data", tmp_path / "data")
    shutil.copytree("docs", tmp_path / "docs")
    lines = TABLE.read_bytes().splitlines(keepends=True)
    assert sum(line.startswith((b"activitynet200,", b"olympic_sports16,")) for line in lines) == 200 + 16
    monkeypatch.chdir(tmp_path)
    official.TOKEN_TABLE.write_bytes(b"".join(lines[:-200]) + b"olympic_sports16,vault,wrong\r\n")
    replace_section(official.DOCUMENT, official.SECTION, "")
    official.main()
    assert official.TOKEN_TABLE.read_bytes() == TABLE.read_bytes()
    assert official.DOCUMENT.read_text() == (REPOSITORY / official.DOCUMENT).read_text()


@pytest.mark.parametrize("source", [*FROM_NAMES, *SIZES])
def test_every_source_of_the_settings_gives_tokens(source: str) -> None:
    names = {"words": ["red ring"], "lemmas": ["red ring"]}.get(source) or list(read_token_table(TABLE, source))
    assert all(class_tokens(names, source, TABLE).values())
    assert len(names) == SIZES.get(source, 1)


def test_a_dataset_of_the_table_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(token_datasets()) == set(SIZES)
    monkeypatch.chdir(tmp_path)
    assert check_tokens("anything") == "anything", "without a table, its reader says what is wrong"
    (tmp_path / "data").mkdir()
    (tmp_path / "data/class_tokens.csv").write_text("dataset,class,tokens\nmine,A,a\n")
    assert check_tokens("mine") == "mine"
    with pytest.raises(ValueError, match=r"did you mean 'mine'\? known: words, lemmas, mine"):
        check_tokens("mien")


@pytest.mark.parametrize("kind", GARBAGE)
def test_damaged_token_tables_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "class_tokens.csv"
    path.write_bytes(GARBAGE[kind])
    with pytest.raises(AurlError) as caught:
        read_token_table(path, "ucf101")
    assert refused(caught, path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dataset,name,tokens\nucf101,Archery,archery\n", "no column 'class'"),
        ("dataset,class,tokens\nucf101,Archery\n", "line 2 has 2 cells, the header 3"),
        ("dataset,class,tokens\nucf101,Archery,archery,bow\n", "line 2 has 4 cells"),
        ('dataset,class,tokens\nucf101,"Archery,archery\n', "unexpected end of data"),
        ("dataset,class,tokens\nucf101,Yo_Yo,yoyo\nucf101,Yo Yo,yo yo\n", "'Yo Yo' of 'ucf101' has no tokens, or two"),
        ("dataset,class,tokens\nucf101,Archery, \n", "'Archery' of 'ucf101' has no tokens"),
    ],
)
def test_wrong_token_tables_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "class_tokens.csv"
    path.write_text(text)
    with pytest.raises(AurlError, match=reason) as caught:
        read_token_table(path, "ucf101")
    assert refused(caught, path)


def test_a_row_that_stands_twice_in_the_table_tells_one_thing(tmp_path: Path) -> None:
    path = tmp_path / "class_tokens.csv"
    path.write_text("dataset,class,tokens\nx,nan,nan\nx,nan,nan\n")
    assert read_token_table(path, "x") == {"nan": ["nan"]}


@pytest.mark.parametrize("kind", sorted(set(GARBAGE) - {"huge"}))
def test_damaged_lists_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(GARBAGE[kind])
    with pytest.raises(AurlError) as caught:
        official.read_class_names(path)
    assert refused(caught, path)
    for files in ((path, EXCEPTIONS), (VERBS, path)):
        with pytest.raises(AurlError) as caught:
            read_verbs(*files)
        assert refused(caught, path)


def test_lists_that_are_missing_repeat_or_are_far_too_large(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    with pytest.raises(AurlError, match="No such file"):
        official.read_class_names(path)
    path.write_text("high jump\nlong jump\nhigh jump\n")
    with pytest.raises(AurlError, match="line 3 is empty or repeats a class \\('high jump'\\)"):
        official.read_class_names(path)
    with pytest.raises(AurlError, match="not WordNet's list of verbs"):
        read_verbs(path, EXCEPTIONS)
    with path.open("wb") as handle:
        handle.truncate(10**12)  # sparse: 1 TB that is not there
    with pytest.raises(AurlError, match="larger than"):
        official.read_class_names(path)


def test_a_document_without_the_section_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "tokens.md"
    path.write_text("# Tokens\n<!-- other -->\n<!-- end -->\n")
    with pytest.raises(AurlError, match="no section"):
        replace_section(path, "mine", "text\n")
    assert path.read_text() == "# Tokens\n<!-- other -->\n<!-- end -->\n"


def test_shipped_verbs_are_wordnets() -> None:
    """8700 single words of index.verb (NOTICE has the command), each once; the licence travels with them."""
    listed = VERBS.read_text().splitlines()
    assert len(listed) == len(set(listed)) == 8700
    assert not any("_" in verb or " " in verb for verb in listed)
    assert len(EXCEPTIONS.read_text().splitlines()) == 2401
    licence = (REPOSITORY / "data/wordnet/LICENSE").read_text()
    assert "WordNet 3.0 Copyright 2006 by Princeton University" in licence
    assert "wordnet/LICENSE" in (REPOSITORY / "data/NOTICE").read_text()


def test_lemmas_are_read_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = class_tokens(["riding a bike", "skating"], "lemmas")
    monkeypatch.chdir(tmp_path)
    assert class_tokens(["riding a bike", "skating"], "lemmas") == here == {
        "riding a bike": ["rid", "bike"], "skating": ["skate"],
    }  # fmt: skip

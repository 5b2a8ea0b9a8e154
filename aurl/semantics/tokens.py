"""Class name -> tokens: from the published table of a dataset, or from the name itself."""

import re
import unicodedata
from pathlib import Path

from aurl.datasets.class_names import spelling, suggest
from aurl.experiment.parts import FROM_NAMES
from aurl.semantics.wordnet import Verbs, read_verbs
from aurl.system.errors import AurlError
from aurl.system.shipped import TOKEN_TABLE
from aurl.system.text_files import read_csv

__all__ = ["FROM_NAMES", "STOP_WORDS", "class_tokens", "lemmas", "read_token_table", "words"]

# the words that the released rules leave out of every class (docs/tokens.md); "off", "into", "through", "up" stay
STOP_WORDS = frozenset({"a", "an", "and", "at", "in", "of", "on", "or", "the", "to", "using", "with"})


LONGEST_LIST = 10_000  # characters of unknown classes in a message


def class_tokens(classes: list[str], source: str, table: Path = TOKEN_TABLE) -> dict[str, list[str]]:
    """Look up or derive the tokens of every class name.

    Args:
        source: a dataset of the token table; or `words` or `lemmas`, which derive them from the names.
    Raises:
        AurlError: a class is not in the table, or its name has no word.
    """
    if source == "words":
        tokens = {name: words(name) for name in classes}
    elif source == "lemmas":
        verbs = read_verbs()
        tokens = {name: lemmas(name, verbs) for name in classes}
    else:
        tokens = _look_up(classes, source, table)
    for name, own in tokens.items():
        if not own:
            raise AurlError(
                f"class '{name}' has no word in its name{' beside stop words' if source == 'lemmas' else ''}; rename it"
            )
    return tokens


def _look_up(classes: list[str], source: str, table: Path) -> dict[str, list[str]]:
    official = read_token_table(table, source)
    known = {spelling(name): own for name, own in official.items()}
    unknown = [name for name in classes if spelling(name) not in known]
    if unknown:
        listed = suggest(unknown, official)
        listed = f"{listed[:LONGEST_LIST]} ..." if len(listed) > LONGEST_LIST else listed
        raise AurlError(
            f"{table}: dataset '{source}' has no class {listed} ({len(unknown)} unknown of {len(classes)}); correct the"
            " names of the folders, or set datasets.<name>.tokens to words or lemmas"
        )
    return {name: known[spelling(name)] for name in classes}


def words(name: str) -> list[str]:
    """Split a name at camel case, spaces, underscores and punctuation: "ApplyEye_makeup" -> apply eye makeup."""
    # some file systems take letters with accents apart
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", unicodedata.normalize("NFC", name))
    return [part.lower() for part in parts]


def lemmas(name: str, verbs: Verbs) -> list[str]:
    """Reduce a name to its words without stop words, each as its verb lemma: "Putting on shoes (not skis)" -> put shoe.

    These are the released rules without their manual exceptions. A remark in brackets that begins with "not" says what
    the class is not: it is left out, and so is the possessive 's.
    """
    name = re.sub(r"\(not\b[^)]*\)|['\u2019]s\b", " ", name)
    return [verbs.lemma(word) for word in words(name) if word not in STOP_WORDS]


def read_token_table(table: Path, source: str) -> dict[str, list[str]]:
    """Read the table's tokens for one dataset, by class name with spaces for underscores.

    Raises: AurlError for a table that is missing or damaged, or that holds two different rows for one class.
    """
    mend = "restore it from git"
    rows = read_csv(table, ["dataset", "class", "tokens"], mend, dtype=str, keep_default_na=False)
    tokens: dict[str, list[str]] = {}
    for row in rows[rows["dataset"] == source].to_dict("records"):
        words_of_class = row["tokens"].split()
        if not words_of_class or tokens.setdefault(_key(row["class"]), words_of_class) != words_of_class:
            raise AurlError(f"{table}: class '{row['class']}' of '{source}' has no tokens, or two sorts; {mend}")
    return tokens


def _key(name: str) -> str:
    return name.replace("_", " ")

"""Class name -> tokens: by the published table of a dataset, or the words of the name as they stand."""

import csv
import re
from pathlib import Path

from aurl.errors import AurlError
from aurl.paths import TOKEN_TABLE


def class_tokens(classes: list[str], source: str, table: Path = TOKEN_TABLE) -> dict[str, list[str]]:
    """The tokens of every class name.

    Args:
        source: a dataset of the token table (the released rules, resolved), or `words`.
    Raises:
        AurlError: a class is not in the table, or its name has no word.
    """
    if source == "words":
        tokens = {name: words(name) for name in classes}
    else:
        known = read_token_table(table, source)
        unknown = [name for name in classes if _key(name) not in known]
        if unknown:
            raise AurlError(
                f"{table}: dataset '{source}' has no class '{unknown[0]}' ({len(unknown)} unknown of {len(classes)});"
                f" check the folder's name, or set datasets.<name>.tokens to words"
            )
        tokens = {name: known[_key(name)] for name in classes}
    for name, found in tokens.items():
        if not found:
            raise AurlError(f"class '{name}' has no word in its name; rename it")
    return tokens


def words(name: str) -> list[str]:
    """Split a name at camel case, spaces, underscores and punctuation: "ApplyEye_makeup" -> apply eye makeup."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", name)
    return [part.lower() for part in parts]


def read_token_table(table: Path, source: str) -> dict[str, list[str]]:
    """The table's tokens for one dataset, by class name without regard to underscores."""
    try:
        with table.open(newline="") as handle:
            return {
                _key(row["class"]): row["tokens"].split() for row in csv.DictReader(handle) if row["dataset"] == source
            }
    except (OSError, KeyError) as error:
        raise AurlError(f"{table}: unreadable token table ({error}); restore it from git") from None


def _key(name: str) -> str:
    return name.replace("_", " ")

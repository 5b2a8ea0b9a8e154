"""The tokenizer and the official class lists.

    python -m aurl.semantics.official

writes the rows of data/class_tokens.csv that are ours (ActivityNet-200 and Olympic Sports, by `tokens: lemmas`), and
into docs/tokens.md every class of the other datasets whose released tokens are not what the tokenizer gives.
"""

import csv
import io
from pathlib import Path

import pandas as pd

from aurl.semantics.tokens import class_tokens, read_token_table
from aurl.system.errors import AurlError
from aurl.system.files import replace_section, write_text
from aurl.system.shipped import TOKEN_TABLE
from aurl.system.text_files import read_lines

RELEASED = ("kinetics700", "ucf101", "hmdb51")
OWN = {
    "activitynet200": Path("data/classes_activitynet200.txt"),
    "olympic_sports16": Path("data/classes_olympic_sports16.txt"),
}
DOCUMENT, SECTION = Path("docs/tokens.md"), "python -m aurl.semantics.official"


def read_class_names(path: Path) -> list[str]:
    """Class names, one a line. Raises: AurlError for a damaged file, or a name that is empty or stands there twice."""
    names = [line.strip() for line in read_lines(path, "restore it from git")]
    known: set[str] = set()
    for number, name in enumerate(names, start=1):
        if not name or name in known:
            raise AurlError(f"{path}: line {number} is empty or repeats a class ('{name[:100]}'); restore it from git")
        known.add(name)
    return names


def own_rows() -> str:
    """The part of the token table that this tokenizer makes."""
    text = io.StringIO()
    for dataset, path in OWN.items():
        tokens = class_tokens(read_class_names(path), "lemmas")
        csv.writer(text).writerows((dataset, name, " ".join(found)) for name, found in tokens.items())
    return text.getvalue()


def differences() -> pd.DataFrame:
    """Classes whose released tokens are not the tokenizer's: dataset, class, released, ours, and how they differ."""
    rows = []
    for dataset in RELEASED:
        released = read_token_table(TOKEN_TABLE, dataset)
        for name, ours in class_tokens(list(released), "lemmas").items():
            if ours != released[name]:
                words = "same words" if sorted(ours) == sorted(released[name]) else "other words"
                rows.append([dataset, name, " ".join(released[name]), " ".join(ours), words])
    return pd.DataFrame(rows, columns=["dataset", "class", "released", "ours", "difference"])


def report() -> str:
    """The differences with their counts, as Markdown."""
    found = differences()
    counts = pd.DataFrame(
        [
            {
                "dataset": dataset,
                "classes": len(read_token_table(TOKEN_TABLE, dataset)),
                "other order": int(((found["dataset"] == dataset) & (found["difference"] == "same words")).sum()),
                "other words": int(((found["dataset"] == dataset) & (found["difference"] == "other words")).sum()),
            }
            for dataset in RELEASED
        ]
    )
    equal = 1 - len(found) / counts["classes"].sum()
    return (
        f"{counts.to_markdown(index=False)}\n\nEqual, in order: {100 * equal:.1f} % of the classes. All differences:\n\n"
        f"{found.drop(columns='difference').to_markdown(index=False)}\n"
    )


def main() -> None:
    """Write our rows of the token table, and the list in the documentation."""
    lines = read_lines(TOKEN_TABLE, "restore it from git")
    kept = "".join(f"{line}\n" for line in lines if line.split(",")[0] not in OWN)
    write_text(TOKEN_TABLE, kept + own_rows())
    replace_section(DOCUMENT, SECTION, report())


if __name__ == "__main__":
    main()

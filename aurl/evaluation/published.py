"""Read the published numbers: one line of `data/published_results.csv` is one number with its source."""

from dataclasses import dataclass, field
from pathlib import Path

from aurl.system.errors import AurlError
from aurl.system.shipped import PUBLISHED
from aurl.system.text_files import read_csv, unreadable

ROW = ["table", "method", "variant", "test_splits", "starred"]  # what names a row of a published table
TEXT = [*ROW, "test_set", "trained_on", "metric", "source"]
MEND = "restore it from git"


@dataclass
class PublishedRow:
    """Hold one row of a published table.

    Attributes:
        variant: the variant of this project that repeats the method; empty for another method.
        splits: number of half-class splits (1: all classes); None where the source does not say.
        values: (test set, metric) -> number. The test set is empty where the source does not say.
        trained_on: test set -> training data; empty where the source does not say.
    """

    method: str
    variant: str
    splits: int | None
    starred: bool
    values: dict[tuple[str, str], float] = field(default_factory=dict)
    trained_on: dict[str, str] = field(default_factory=dict)

    def value(self, test_set: str | None, metric: str) -> float | None:
        """Return a number, or None where nothing was published (a `test_set` of None: no numbers at all)."""
        return None if test_set is None else self.values.get((test_set, metric))


def read_published(table: str, path: Path = PUBLISHED) -> list[PublishedRow]:
    """Read the rows of a published table, `ablation` or `sota`, in the order of the file.

    Raises: AurlError for a damaged file, one with other columns, or one that has a number twice.
    """
    types: dict[str, type] = {**dict.fromkeys(TEXT, str), "value": float}
    lines = read_csv(path, list(types), MEND, dtype=types, na_values={"value": [""]}, keep_default_na=False)
    rows: dict[tuple[str, ...], PublishedRow] = {}
    try:
        if lines["value"].isna().any():
            raise ValueError("a line has no value")
        for line in lines[lines["table"] == table].itertuples(index=False):
            key = tuple(getattr(line, name) for name in ROW)
            splits = int(line.test_splits) if line.test_splits else None
            row = rows.setdefault(key, PublishedRow(line.method, line.variant, splits, line.starred == "yes"))
            if (line.test_set, line.metric) in row.values:
                raise ValueError(f"{line.method} has two values of {line.metric} on '{line.test_set}'")
            row.values[line.test_set, line.metric] = float(line.value)
            row.trained_on[line.test_set] = line.trained_on
    except ValueError as error:
        raise unreadable(path, error, MEND) from None
    return list(rows.values())


def published_methods(path: Path = PUBLISHED) -> dict[str, str]:
    """Map each variant of the published ablation to its method's name, in order. Raises: AurlError."""
    return {row.variant: row.method for row in read_published("ablation", path) if row.variant}


def check_test_set(name: str, path: Path = PUBLISHED) -> None:
    """Check that a test set has published numbers. Raises: AurlError with the names that have."""
    known = sorted({test_set for table in ("ablation", "sota") for row in read_published(table, path)
                    for test_set, _ in row.values if test_set})  # fmt: skip
    if name not in known:
        raise AurlError(f"report.test_sets: published = '{name}': not in {path}; known: {', '.join(known)}, or null")

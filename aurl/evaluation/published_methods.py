"""Read published results of methods, and why some of these do not run here."""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aurl.system.shipped import PUBLISHED_METHODS
from aurl.system.text_files import read_csv, unreadable

TEXT = ["method", "row", "may_see", "trained_on", "video", "words", "protocol", "why_not_run", "source"]
NUMBERS = ["ucf101", "ucf101_std", "hmdb51", "hmdb51_std"]
MEND = "restore it from git"


@dataclass(frozen=True)
class PublishedMethod:
    """Hold a published result.

    Attributes:
        row: the file of aurl/methods, or the variant, that runs the method here; empty if none does.
        may_see, trained_on, video, words, protocol: the setting of the published number.
        top1: published test set -> (mean, standard deviation or None), in percent.
        why_not_run: empty for a method that runs.
    """

    method: str
    row: str
    may_see: str
    trained_on: str
    video: str
    words: str
    protocol: str
    top1: dict[str, tuple[float, float | None]]
    why_not_run: str
    source: str


def read_published_methods(path: Path = PUBLISHED_METHODS) -> list[PublishedMethod]:
    """Read all published results in the order of the file. Raises: AurlError for a damaged file."""
    types: dict[str, type] = {**dict.fromkeys(TEXT, str), **dict.fromkeys(NUMBERS, float)}
    na = {name: [""] for name in NUMBERS}
    table = read_csv(path, [*TEXT, *NUMBERS], MEND, dtype=types, na_values=na, keep_default_na=False)
    rows = [_row(line) for line in table.to_dict("records")]
    for row in rows:
        if bool(row.row) == bool(row.why_not_run):
            raise unreadable(path, ValueError(f"{row.method} has a row and a reason why it has none, or neither"), MEND)
    return rows


def _row(line: dict[Hashable, Any]) -> PublishedMethod:
    numbers = {name: None if math.isnan(line[name]) else float(line[name]) for name in NUMBERS}
    top1 = {
        name.upper(): (mean, numbers[f"{name}_std"])
        for name in ("ucf101", "hmdb51")
        if (mean := numbers[name]) is not None
    }
    return PublishedMethod(**{name: line[name] for name in TEXT}, top1=top1)

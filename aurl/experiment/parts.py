"""List the files that text encoders read, and the sources of tokens."""

import csv
import difflib
from functools import lru_cache
from pathlib import Path

from aurl.experiment.base import PartSettings
from aurl.system.plugins import load
from aurl.system.shipped import TOKEN_TABLE

LAYOUTS = "aurl.datasets.layouts"
ENCODERS = "aurl.semantics.encoders"
FROM_NAMES = ("words", "lemmas")  # every other source of tokens is a dataset of the token table


def encoder_files(encoder: PartSettings) -> dict[str, Path]:
    """List the files that a text encoder reads, by name."""
    return dict(load(ENCODERS, encoder.name).inputs(encoder))


def chosen_files(encoder: PartSettings) -> dict[str, Path]:
    """List those files of `encoder_files` that a setting of the encoder names, by the setting's name."""
    return {name: path for name, path in encoder_files(encoder).items() if name in type(encoder).model_fields}


def check_tokens(source: str) -> str:
    """Refuse a source of tokens that the token table does not hold. Raises: ValueError.

    Where the table cannot be read, any name passes: the stage that reads it says what is wrong with it.
    """
    known = [*FROM_NAMES, *token_datasets()]
    if source in known or len(known) == len(FROM_NAMES):
        return source
    near = difflib.get_close_matches(source, known, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise ValueError(f"no such source of tokens; {hint}known: {', '.join(known)} (datasets of {TOKEN_TABLE})")


def token_datasets() -> tuple[str, ...]:
    """List the datasets of the token table in its order; none where it cannot be read."""
    try:
        return _datasets_of(TOKEN_TABLE, TOKEN_TABLE.stat().st_mtime_ns)
    except (OSError, ValueError, csv.Error):
        return ()


@lru_cache
def _datasets_of(table: Path, changed: int) -> tuple[str, ...]:
    """List the values of the first column; `changed` is the time of the file's last change, for the cache."""
    with table.open(newline="", encoding="utf-8") as handle:
        rows = csv.reader(handle)
        next(rows, None)
        return tuple(dict.fromkeys(row[0] for row in rows if row))

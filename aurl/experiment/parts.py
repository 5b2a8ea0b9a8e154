"""Checks the parts that an experiment names, and says which files they are: dataset layouts and text encoders."""

import csv
import difflib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aurl.system.errors import AurlError
from aurl.system.plugins import load, module_of, names
from aurl.system.shipped import TOKEN_TABLE

if TYPE_CHECKING:
    from aurl.experiment.settings import EncoderSettings, SourceSettings

LAYOUTS = "aurl.datasets.layouts"
ENCODERS = "aurl.semantics.encoders"
CONTRACT = {LAYOUTS: ("find",), ENCODERS: ("Settings", "inputs", "encode")}  # what a part's module must have
FROM_NAMES = ("words", "lemmas")  # every other source of tokens is a dataset of the token table


def layout_module(source: "SourceSettings") -> str | None:
    """Name the module of a dataset's layout; None for a rendered dataset, which has none."""
    return None if source.folder is None else module_of(LAYOUTS, source.layout)


def encoder_module(encoder: "EncoderSettings") -> str:
    """Name the module of a text encoder."""
    return module_of(ENCODERS, encoder.name)


def encoder_files(encoder: "EncoderSettings") -> dict[str, Path]:
    """List the files that a text encoder reads, by name."""
    return dict(load(ENCODERS, encoder.name).inputs(encoder))


def chosen_files(encoder: "EncoderSettings") -> dict[str, Path]:
    """List those files of `encoder_files` that a setting of the encoder names, by the setting's name."""
    return {name: path for name, path in encoder_files(encoder).items() if name in type(encoder).model_fields}


def check_layout(name: str) -> str:
    """Refuse a layout that does not exist. Raises: ValueError."""
    _load(LAYOUTS, name)
    return name


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


def read_part(folder: str) -> Callable[[Any], Any]:
    """Return the check of a key that names a part and holds its settings, such as `{name: word2vec, ...}`."""

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            return value  # the field's own class says what is wrong
        if not isinstance(value.get("name"), str):
            raise ValueError(f"its key 'name' must name one of {', '.join(names(folder))}, or a module with a dot")
        return _load(folder, value["name"]).Settings.model_validate(value)

    return check


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


def _load(folder: str, name: str) -> Any:
    try:
        part = load(folder, name)
    except AurlError as error:
        raise ValueError(str(error)) from None
    missing = [attribute for attribute in CONTRACT[folder] if not hasattr(part, attribute)]
    if missing:
        raise ValueError(f"'{name}' is no part of the kind {folder}: it has no {', '.join(missing)}")
    return part

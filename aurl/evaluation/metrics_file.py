"""Write and read the metrics file of one (variant, seed, dataset), as `dvc metrics` reads it.

`clips<n>` -> `splits<m>` -> name -> value; the rows of another protocol than the default one are below its name.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aurl.evaluation import schema
from aurl.system.json_files import write_json


def write_metrics(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of protocols with values to nine digits, without those that are None or NaN."""
    write_json(path, _nested(rows))


def write_metrics_of(path: Path, by_dataset: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """Write the rows of several test sets: dataset -> what `write_metrics` writes for each."""
    write_json(path, {dataset: _nested(rows) for dataset, rows in by_dataset.items()})


def write_metrics_of_seeds(path: Path, by_seed: Mapping[int, Mapping[str, Iterable[Mapping[str, Any]]]]) -> None:
    """Write the rows of several seeds and test sets, below the seed and the dataset."""
    content = {
        f"seed{seed}": {dataset: _nested(rows) for dataset, rows in of_seed.items()}
        for seed, of_seed in by_seed.items()
    }
    write_json(path, content)


def _nested(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for row in rows:
        name, clips, splits = row[schema.PROTOCOL], row["clips"], row["splits"]
        place = nested if name == schema.DEFAULT_PROTOCOL else nested.setdefault(name, {})
        place.setdefault(f"clips{clips}", {})[f"splits{splits}"] = {
            key: round(value, 9)
            for key, value in row.items()
            if key not in (schema.PROTOCOL, "clips", "splits") and value is not None and not math.isnan(value)
        }
    return nested


def read_value(path: Path, clips: int, splits: int, name: str, dataset: str | None = None) -> float:
    """Read one value of the default protocol.

    Args:
        dataset: in a file of several test sets.
    Raises: KeyError if there is none, ValueError for no JSON.
    """
    content = json.loads(path.read_text())
    return float((content if dataset is None else content[dataset])[f"clips{clips}"][f"splits{splits}"][name])


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a metrics file: protocol, clips, splits and the values that were written."""
    return _rows(json.loads(path.read_text()))


def read_metrics_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Read the rows of several test sets, by dataset."""
    return {dataset: _rows(content) for dataset, content in json.loads(path.read_text()).items()}


def read_metrics_of_seeds(path: Path) -> dict[int, dict[str, list[dict[str, Any]]]]:
    """Read the rows of several seeds and test sets, by seed and dataset."""
    return {
        int(seed.removeprefix("seed")): {dataset: _rows(content) for dataset, content in of_seed.items()}
        for seed, of_seed in json.loads(path.read_text()).items()
    }


def _rows(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    default = {name: inside for name, inside in content.items() if name.startswith("clips")}
    others = {name: inside for name, inside in content.items() if name not in default}
    return [
        {
            schema.PROTOCOL: protocol,
            "clips": int(clips.removeprefix("clips")),
            "splits": int(splits.removeprefix("splits")),
            **values,
        }
        for protocol, by_clips in ({schema.DEFAULT_PROTOCOL: default} | others).items()
        for clips, by_splits in by_clips.items()
        for splits, values in by_splits.items()
    ]

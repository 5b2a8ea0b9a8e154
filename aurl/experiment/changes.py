"""Describes how two experiments differ."""

from collections.abc import Iterator
from typing import Any

from aurl.experiment.settings import Experiment


def describe_changes(present: Experiment, chosen: Experiment) -> Iterator[str]:
    """One line for each key whose value differs; whole sections that come or go in one line."""
    before, after = (flatten(experiment.model_dump(mode="json")) for experiment in (present, chosen))
    for key in sorted(before.keys() | after.keys()):
        if key not in after:
            yield f"  - {key}: {before[key]}"
        elif key not in before:
            yield f"  + {key}: {after[key]}"
        elif before[key] != after[key]:
            yield f"  ~ {key}: {before[key]} -> {after[key]}"


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as dotted keys."""
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        key: item
        for name, inner in value.items()
        for key, item in flatten(inner, f"{prefix}.{name}" if prefix else str(name)).items()
    }

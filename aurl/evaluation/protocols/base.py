"""Define a protocol, and run the protocols of an experiment.

A protocol is a file of this folder (`half_splits`), or a module from outside with a dotted name
(`my_package.my_protocol`). `params.yaml` names it with its settings: `evaluation.protocols: {half_splits: {...}}`.
The file imports torch and the like only inside its functions, since `params.yaml` is checked without them.

A protocol by name (a file of `aurl/evaluation/named`, such as `truze`) is one too, without settings (`by_name.py`).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from aurl.evaluation import by_name, schema
from aurl.experiment.settings import PROTOCOLS, Settings
from aurl.system import plugins
from aurl.system.errors import AurlError

if TYPE_CHECKING:
    from aurl.evaluation.feature_file import Features

FOLDER = "aurl.evaluation.protocols"
Row = dict[str, Any]


class TestProtocol(Protocol):
    """Describe the module of a protocol. Its docstring names the source of the rule."""

    Settings: type[Settings]

    def evaluate(self, features: "Features", settings: Any) -> Iterable[Row]:
        """Evaluate one network on one test set.

        Returns: rows with `clips`, `splits` (the draws averaged over), `videos`, `classes`, and measured values by
            name. A value that is None or NaN is left out. `protocol` names the rows; by default it is the protocol's
            own name. Names that `aurl.evaluation.schema` does not know become columns of their own.
        """

    def files(self, settings: Any) -> list[Path]:
        """List the data files that the settings name (optional): results depend on their contents."""


def evaluate_all(features: "Features", protocols: Mapping[str, Settings]) -> list[Row]:
    """Evaluate one network on one test set by every protocol.

    Raises: AurlError for a protocol that gives unusable rows, or two that give rows of the same name.
    """
    rows: dict[tuple[str, int, int], Row] = {}
    for name, settings in protocols.items():
        module = plugins.load(PROTOCOLS, name)
        for given in (
            by_name.evaluate(features, module) if hasattr(module, "runs") else module.evaluate(features, settings)
        ):
            row = {schema.PROTOCOL: name, **given}
            _check(name, row)
            key = row[schema.PROTOCOL], row["clips"], row["splits"]
            if key in rows:
                raise AurlError(f"protocol '{name}': a second row '{key[0]}' of {key[1]} clips and {key[2]} splits")
            rows[key] = row
    return list(rows.values())


def files_of(protocols: Mapping[str, Settings]) -> list[Path]:
    """List the data files that protocols read beside the features."""
    modules = ((plugins.load(PROTOCOLS, name), settings) for name, settings in protocols.items())
    return [path for module, settings in modules if hasattr(module, "files") for path in module.files(settings)]


def _check(name: str, row: Row) -> None:
    """Check a row of a protocol. Raises: AurlError."""
    counts, taken = ("clips", "splits", "classes"), {"variant", "seed", "dataset"} & row.keys()
    for count in counts:
        if not isinstance(row.get(count), int) or row[count] < 1:
            raise AurlError(f"protocol '{name}': {count} = {row.get(count)!r} of a row is no whole number from 1 on")
    if taken or "videos" not in row:
        raise AurlError(f"protocol '{name}': a row needs 'videos', and no 'variant', 'seed' or 'dataset'")
    label = row[schema.PROTOCOL]
    if not isinstance(label, str) or not label or label.startswith("clips"):
        raise AurlError(f"protocol '{name}': '{label}' cannot name rows; use a text that does not begin with 'clips'")
    for key, value in row.items():
        if key not in (*counts, schema.PROTOCOL) and value is not None and not isinstance(value, int | float):
            raise AurlError(f"protocol '{name}': {key} = {value!r} is no number; convert it with float()")

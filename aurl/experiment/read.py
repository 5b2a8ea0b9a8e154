"""Reads and checks `params.yaml`.

Every message names the file, the key, the value and what is allowed.
"""

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from aurl.experiment.settings import Experiment
from aurl.system.errors import AurlError
from aurl.system.plugins import load

MOVED = {  # old key -> new key, in the message to who still writes the old one; `*` stands for a name of the user's
    "semantics.vectors": "semantics.encoder.vectors",
    "semantics.dimension": "semantics.encoder.dimension",
    "semantics.missing": "semantics.encoder.missing",
}
MOST_YAML_BYTES, MOST_YAML_NODES = 1 << 20, 100_000  # hundreds of times an experiment's


def load_experiment(path: Path) -> Experiment:
    """Read and check an experiment file.

    Raises:
        AurlError: the file is missing or is no YAML mapping, or a key or value is not allowed.
    """
    try:
        raw = read_yaml(path)
    except FileNotFoundError:
        raise AurlError(f"{path}: no such file; write one with 'aurl use NAME' (see presets/)") from None
    return parse_experiment(raw, str(path))


def read_yaml(path: Path) -> Any:
    """Read a YAML file of plain values, strictly: no key twice, and no aliases that unfold to a flood.

    Raises:
        FileNotFoundError: there is no file.
        AurlError: it is no such file; one line.
    """
    try:
        with path.open("rb") as handle:
            content = handle.read(MOST_YAML_BYTES + 1)
        if len(content) > MOST_YAML_BYTES:
            raise ValueError(f"larger than {MOST_YAML_BYTES} bytes")
        loader = _UniqueKeyLoader(content.decode())
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            if _unfolded(node, {}) > MOST_YAML_NODES:
                raise ValueError(f"its aliases unfold to more than {MOST_YAML_NODES} values")
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except OSError:
        raise
    except RecursionError:
        raise AurlError(f"{path}: not valid YAML: nested too deeply, or within itself") from None
    except Exception as error:  # YAMLError, and what its conversions raise ("!!int x", "2001-99-99")
        raise AurlError(f"{path}: not valid YAML: {' '.join(str(error).split())[:500]}") from None


def parse_experiment(raw: Any, where: str) -> Experiment:
    """Check a mapping that was read from `where`. Raises: AurlError, one line with every problem's first."""
    if not isinstance(raw, dict):
        raise AurlError(f"{where}: expected a mapping with the key 'experiment', found {type(raw).__name__}")
    try:
        return Experiment.model_validate(raw)
    except ValidationError as error:
        problems = sorted(error.errors(), key=lambda problem: problem["type"] == "missing")  # a misspelt key first
        first, *others = [_describe(problem, raw) for problem in problems]
        more = f" (and {len(others)} more: {'; '.join(others[:3])})" if others else ""
        raise AurlError(f"{where}: {first}{more}") from None


def lookup(experiment: Experiment, key: str) -> Any:
    """The JSON value at a dotted key such as `variants.aurl` or `training`."""
    value: Any = experiment.model_dump(mode="json")
    for part in key.split("."):
        value = value[part]
    return value


def _describe(problem: Any, raw: dict[str, Any]) -> str:
    location = [part for part in problem["loc"] if part != "[key]"]
    key = ".".join(map(str, location))
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        moved = _moved_to(location)
        if moved is not None:
            return f"{key}: this key is now '{moved}: {' '.join(str(problem['input']).split())}'"
        known = _fields_at(problem["loc"][:-1], raw)
        near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
        return f"{key}: unknown key; {hint}"
    if problem["type"] == "missing":
        return f"{key}: this key is missing"
    if not key:
        return message
    if isinstance(problem["input"], (dict, list)):
        return f"{key}: {message}"
    return f"{key} = {problem['input']!r}: {message}"


def _moved_to(location: list[Any]) -> str | None:
    """Find the new key of an old one, with the user's names filled in."""
    for old, new in MOVED.items():
        parts = old.split(".")
        if len(parts) == len(location) and all(a in ("*", b) for a, b in zip(parts, location, strict=True)):
            for name in (b for a, b in zip(parts, location, strict=True) if a == "*"):
                new = new.replace("*", str(name), 1)
            return new
    return None


def _fields_at(location: tuple[Any, ...], raw: Any) -> list[str]:
    """List the keys that the model at a location of the experiment knows."""
    schema: dict[str, Any] = Experiment.model_json_schema()
    node = schema
    for part in location:
        raw = raw.get(part) if isinstance(raw, dict) else None
        by_pattern = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
        node = node.get("properties", {}).get(part) or by_pattern[0] or {}
        if "part_of" in node and isinstance(raw, dict):  # a part has keys of its own
            schema = node = load(node["part_of"], raw["name"]).Settings.model_json_schema()
        for option in (node, *node.get("anyOf", [])):
            if "$ref" in option:
                node = schema["$defs"][option["$ref"].rsplit("/", 1)[-1]]
                break
    return list(node.get("properties", {}))


def _unfolded(node: yaml.Node, sizes: dict[int, int]) -> int:
    """How many values a node stands for, each alias counted as often as it is used."""
    if id(node) not in sizes:
        inside = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = [part for item in inside for part in (item if isinstance(item, tuple) else (item,))]
        sizes[id(node)] = 1 + sum(_unfolded(part, sizes) for part in parts)
    return sizes[id(node)]


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key written twice, of which YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As in SafeLoader. Raises: ConstructorError for a key that stands there twice."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen and key_node.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"key '{key}' is written twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)

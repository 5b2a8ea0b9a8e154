"""Reads and checks `params.yaml`.

Every message names the file, the key, the value and what is allowed.
"""

import difflib
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from aurl.experiment.base import settings_class
from aurl.experiment.settings import Experiment
from aurl.experiment.wording import plain_words, yaml_words
from aurl.system import plugins
from aurl.system.errors import AurlError

MOVED = {  # old key -> new key; `*` is a name that the user chose, the same in both
    "evaluation.splits": "evaluation.protocols.half_splits.splits",
    "variants.*.class_generator": "variants.*.losses.synthetic",
    "variants.*.us_query": "variants.*.losses.synthetic.query",
    "semantics.vectors": "semantics.encoder.vectors",
    "semantics.dimension": "semantics.encoder.dimension",
    "semantics.missing": "semantics.encoder.missing",
    "model.width": "model.backbone.width (beside name: r2plus1d)",
    "model.blocks": "model.backbone.blocks (beside name: r2plus1d)",
}
NEW_KEYS = {  # keys that older files do not have -> what to write to get the older results
    "report.proposed": "aurl",
    "report.baseline": "ls",
    "external": "{}",
    "methods": "{}",
    "evaluated": "the names of all variants",
    "backbone_features": "{networks: [], seen_clips: 4}",
    "evaluation.hubs": "null",
    "held_out": "[]",
    "report.test_sets.*.published": "UCF101, HMDB51 or null",
}
MOST_MISTAKES = 9  # in a message, beside the first
MOST_YAML_BYTES, MOST_YAML_NODES = 1 << 20, 100_000  # hundreds of times an experiment's


def load_experiment(path: Path) -> Experiment:
    """Read and check an experiment file.

    Raises:
        AurlError: the file is missing or is no YAML mapping, or a key or value is not allowed.
    """
    try:
        raw = read_yaml(path)
    except FileNotFoundError:
        raise AurlError(f"{path}: no such file; {_mend_missing(path)}") from None
    return parse_experiment(raw, str(path))


def read_yaml(path: Path) -> Any:
    """Read a YAML file of plain values, strictly: no key twice, and no aliases that unfold to a flood.

    Raises:
        FileNotFoundError: there is no file.
        AurlError: it is no such file; a line, and for a fault of YAML the line of the file with a mark.
    """
    with path.open("rb") as handle:
        return parse_yaml(handle.read(MOST_YAML_BYTES + 1), str(path))


def parse_yaml(content: bytes, path: str) -> Any:
    """Parse YAML as `read_yaml` does; messages name `path`. Raises: AurlError, one line."""
    try:
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
    except RecursionError:
        raise AurlError(f"{path}: not valid YAML: nested too deeply, or within itself") from None
    except Exception as error:  # YAMLError, and what its conversions raise ("!!int x", "2001-99-99")
        raise AurlError(f"{path}: not valid YAML: {yaml_words(error)}") from None


def parse_experiment(raw: Any, where: str) -> Experiment:
    """Check a mapping that was read from `where`. Raises: AurlError with every mistake, one a line."""
    if not isinstance(raw, dict):
        raise AurlError(f"{where}: expected a mapping with the key 'experiment', found {type(raw).__name__}")
    if "base" in raw:
        raise AurlError(f"{where}: base: only a preset may have one; write the whole file with 'aurl use NAME'")
    try:
        return Experiment.model_validate(raw)
    except ValidationError as error:
        problems = sorted(error.errors(), key=lambda problem: problem["type"] == "missing")  # a misspelt key first
        problems = [problem for problem in problems if _has_moved(problem)] or problems
        first, *others = dict.fromkeys(_describe(problem, raw) for problem in _without_misspelt(problems, raw))
        listed = [
            *others[:MOST_MISTAKES],
            *([f"and {len(others) - MOST_MISTAKES} more"] if others[MOST_MISTAKES:] else []),
        ]
        raise AurlError("\n  ".join([f"{where}: {first}", *listed])) from None


def json_value(dumped: Any, key: str) -> Any:
    """Return the value at a dotted key such as `variants.aurl` of an experiment's JSON dump."""
    for part in key.split("."):
        dumped = dumped[part]
    return dumped


def typed_value(experiment: Experiment, key: str) -> Any:
    """Return the typed settings at a dotted key such as `variants.aurl` or `frames.size`."""
    value: Any = experiment
    for part in key.split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


def _mend_missing(path: Path) -> str:
    """Say how to get an experiment file: in a clone it can be written, elsewhere there is none."""
    if (path.parent / "Snakefile").is_file():
        return "write one with 'aurl use NAME' ('aurl use' lists the presets)"
    return "this folder is in no clone of AURL: go to the clone, or name it with 'aurl -C DIR ...'"


def _describe(problem: Any, raw: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    message = plain_words(problem)
    if _has_moved(problem):
        new = _moved_to(key)
        return f"{key}: this key is now {new}; put its value there: {_in_yaml(problem['input'])}"
    if problem["type"] == "extra_forbidden":
        known, near = _fields_at(problem["loc"][:-1], raw), _meant(problem, raw)
        hint = f"did you mean '{near}'?" if near else f"known: {', '.join(known)}"
        return f"{key}: unknown key; {hint}"
    if problem["type"] == "missing":
        hints = [f"write {value} for the old results" for name, value in NEW_KEYS.items() if fnmatch(key, name)]
        hints += [message] * (message != "Field required")  # what a part's own check says
        return "; ".join([f"{key}: this key is missing", *hints])
    if not key:
        return message
    if isinstance(problem["input"], (dict, list)):
        return f"{key}: {message}"
    return f"{key} = {problem['input']!r}: {message}"


def _without_misspelt(problems: list[Any], raw: Any) -> list[Any]:
    """Leave out the missing keys that a misspelt key stands for."""
    unknown = [problem for problem in problems if problem["type"] == "extra_forbidden" and not _has_moved(problem)]
    meant = {(*problem["loc"][:-1], _meant(problem, raw)) for problem in unknown}
    return [problem for problem in problems if problem["type"] != "missing" or problem["loc"] not in meant]


def _meant(problem: Any, raw: Any) -> str | None:
    """Name the known key that is nearest to an unknown one."""
    near = difflib.get_close_matches(str(problem["loc"][-1]), _fields_at(problem["loc"][:-1], raw), n=1)
    return near[0] if near else None


def _has_moved(problem: Any) -> bool:
    return problem["type"] == "extra_forbidden" and _moved_to(".".join(map(str, problem["loc"]))) is not None


def _moved_to(key: str) -> str | None:
    """Name the key that took the place of a key of older files."""
    for old, new in MOVED.items():
        if match := re.fullmatch(re.escape(old).replace(r"\*", r"([^.]+)"), key):
            return new.replace("*", match[1]) if match.groups() else new
    return None


def _in_yaml(value: Any) -> str:
    """Write a value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _fields_at(location: tuple[Any, ...], raw: Any) -> list[str]:
    """List the names that the model at a location of the experiment knows."""
    schema: dict[str, Any] = Experiment.model_json_schema()
    node = schema
    for part in location:
        raw = raw.get(part) if isinstance(raw, dict) else None
        if node.get("form") == "mapping":  # a mapping of parts: each has its settings in its own file
            schema = node = settings_class(plugins.load(node["parts"], part)).model_json_schema()
            continue
        by_pattern = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
        node = node.get("properties", {}).get(part) or by_pattern[0] or {}
        if node.get("form") == "named":
            schema = node = plugins.load(node["parts"], raw[node["key"]]).Settings.model_json_schema()
            continue
        for option in (node, *node.get("anyOf", [])):
            if "$ref" in option:
                node = schema["$defs"][option["$ref"].rsplit("/", 1)[-1]]
                break
    return list(node.get("properties", {}))


def _unfolded(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Count the values that a node stands for, each alias as often as it is used."""
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

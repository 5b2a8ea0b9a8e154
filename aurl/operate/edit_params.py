"""Change `params.yaml` and keep its comments."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from aurl.experiment.read import parse_experiment
from aurl.system.files import write_text


def edit_params(params: Path, change: Callable[[Any], None]) -> None:
    """Change a YAML file and keep its comments. Raises: AurlError if the result is no valid experiment."""
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 4096
    yaml.representer.add_representer(
        type(None), lambda yaml, _: yaml.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    raw = yaml.load(params.read_text())
    change(raw)
    text = io.StringIO()
    yaml.dump(raw, text)
    parse_experiment(YAML(typ="safe").load(text.getvalue()), str(params))
    write_text(params, text.getvalue())


def spelled(file: Path) -> str:
    """Write a path relative to the repository if it is inside: params.yaml serves other clones too."""
    here, whole = Path.cwd(), file.resolve()
    return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)

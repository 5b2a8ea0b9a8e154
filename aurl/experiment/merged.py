"""Write out an experiment file that states only what differs from another file, its `base`.

The rule: mappings are merged key by key; any other value takes the place of the base's.
"""

import io
import re
from pathlib import Path
from typing import Any

from aurl.system.errors import AurlError


def merged_text(path: Path) -> str:
    """Write the whole experiment of a file with a `base`, with the comments of both files.

    A base may have a base of its own. New keys stand first if they precede a key that both files have, else last.
    Raises: AurlError, one line, for a file that is missing, no YAML mapping, or its own base.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml, stream = YAML(), io.StringIO()
    yaml.preserve_quotes, yaml.width = True, 10**6
    yaml.representer.add_representer(
        type(None), lambda dump, _: dump.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    try:
        yaml.dump(_whole(yaml, path, ()), stream)
    except (OSError, YAMLError) as error:
        raise AurlError(f"{path}: cannot be read: {' '.join(str(error).split())[:500]}") from None
    head = re.match(r"(#.*\n)*", path.read_text())
    return (head[0] if head else "") + _spaced(stream.getvalue())


def _whole(yaml: Any, path: Path, above: tuple[Path, ...]) -> Any:
    """Read a file, merged into its base."""
    from ruamel.yaml.comments import CommentedMap

    own = yaml.load(path)
    if not isinstance(own, CommentedMap) or path in above:
        raise AurlError(f"{path}: expected a mapping of settings that is not its own base")
    own.ca.comment = None  # the head, which is about this file alone
    if "base" not in own:
        return own
    base = _whole(yaml, path.parent / str(own.pop("base")), (*above, path))
    _merge(base, own)
    return base


def _merge(base: Any, own: Any) -> None:
    """Change `base`: take over each value of `own`, with its comment."""
    first_shared = next((place for place, key in enumerate(own) if key in base), 0)
    for place, (key, value) in enumerate(own.items()):
        if isinstance(base.get(key), dict) and isinstance(value, dict):
            _merge(base[key], value)
        elif key in base or place >= first_shared:
            base[key] = value
        else:
            base.insert(place, key, value)
        if "#" in str(own.ca.items.get(key)):
            base.ca.items[key] = own.ca.items[key]


def _spaced(text: str) -> str:
    """Part the sections by empty lines, and comments from values by two spaces."""
    lines: list[str] = []
    for line in filter(str.strip, text.splitlines()):
        follows = bool(lines) and lines[-1].startswith(" ")
        if lines and not line.startswith(" ") and (follows or re.match(r"\w+:( +#.*)?$", line)):
            lines.append("")
        lines.append(re.sub(r"(?<=\S) +# ", "  # ", line))
    return "\n".join(lines) + "\n"

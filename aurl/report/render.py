"""Fill the templates of pages that need no other file: their style and script are inside, and nothing else may run."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from aurl.report.symbols import html_symbols

TEMPLATES = Path(__file__).parent / "template"
SHORT = 12  # characters of a digest that are always shown


def render(template: str, **values: Any) -> str:
    """Fill a template of this folder with its style and script; every value is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"duration": duration, "yaml": as_yaml, "symbols": html_symbols, "digest": digest}
    style, script = (Markup((TEMPLATES / name).read_text()) for name in ("style.css", "script.js"))  # nosec B704
    return environment.get_template(template).render(
        style=style, script=script, style_hash=_hash(style), script_hash=_hash(script), **values
    )


def duration(seconds: float) -> str:
    """Format seconds: 75.2 -> "1 min 15 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def as_yaml(value: Any) -> str:
    """Write JSON values as YAML, in their own order."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None).rstrip("\n")


def digest(sha256: str) -> Markup:
    """Show the first characters of a digest; the rest shows on demand."""
    return Markup('<code class="sha">{}<span class="rest">{}</span></code>').format(sha256[:SHORT], sha256[SHORT:])


def _hash(text: str) -> str:
    """Hash inline code for the Content-Security-Policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

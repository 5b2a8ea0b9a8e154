"""Write JSON files. How they look is code of the stages that write them, unlike `files.py`."""

import json
from pathlib import Path
from typing import Any

from aurl.system.files import write_text


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys: equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

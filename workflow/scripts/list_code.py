"""Rewrite the code files that dvc.yaml lists under each stage's `deps` from what the stages import.

    python workflow/scripts/list_code.py        # after a module was added, renamed or imported elsewhere

Only lines of that kind change; everything else in dvc.yaml is written by hand.
"""

import re
from pathlib import Path

from aurl.pipeline.stages import STAGES, stage_code
from aurl.system.files import write_text

DVC = Path("dvc.yaml")
TOGETHER = {"frames": ["frames", "frames_index"]}  # stages of dvc.yaml that run several of ours


def with_code(stage: str, block: str) -> str:
    """A stage's block with its code files listed last among the dependencies."""
    code = sorted({path for name in TOGETHER.get(stage, [stage]) if name in STAGES for path in stage_code(name)})
    head, deps, rest = block.partition("    deps:\n")
    listed = re.match(r"(      - .*\n)*", rest)
    assert listed is not None
    kept = [line for line in listed[0].splitlines(keepends=True) if not line.startswith("      - aurl/")]
    return head + deps + "".join([*kept, *(f"      - {path}\n" for path in code)]) + rest[listed.end() :]


def main() -> None:
    """Rewrite dvc.yaml."""
    parts = re.split(r"(?m)^(?=  \w+:)", DVC.read_text())
    names = [re.match(r"  (\w+):", part) for part in parts]
    texts = [with_code(name[1], part) if name else part for name, part in zip(names, parts, strict=True)]
    write_text(DVC, "".join(texts))


if __name__ == "__main__":
    main()

"""The figures of docs/faults.md: what `make test-faults` and benchmarks/kinetics_scale.py measured, as tables.

python tools/faults_page.py     # writes the two sections of the page from benchmarks/*.json
"""

import json
from collections import Counter
from pathlib import Path

from aurl.system.files import replace_section

HERE = Path(__file__).resolve().parents[1] / "benchmarks"
DOCUMENT = HERE.parent / "docs" / "faults.md"


def faults_table() -> str:
    """One row for each fault: how often it was made, what came of it, seconds of the test."""
    if not (HERE / "faults.json").is_file():
        return "Not run to its end yet on this state of the code.\n"
    found = json.loads((HERE / "faults.json").read_text())
    lines = ["| fault | runs | outcome | seconds |", "|---|---|---|---|"]
    lines += [f"| {name} | {row['runs']} | {row['outcome']} | {row['seconds']:.0f} |" for name, row in found.items()]
    kills = [entry for row in found.values() for entry in row.get("kills", [])]
    if kills:
        stages = Counter(entry["stage"] for entry in kills)
        told = ", ".join(f"{stage} {number}" for stage, number in stages.items())
        lines += ["", f"The {len(kills)} kills of a run from nothing, by the stage that had just begun: {told}."]
    return "\n".join(lines) + "\n"


def scale_table() -> str:
    """One row for each step of the simulated Kinetics-700."""
    found = json.loads((HERE / "kinetics_scale.json").read_text())
    lines = [
        f"{found['videos']:,} videos, {found['shards']} shards, {found['cores']} cores.",
        "",
        "| step | seconds | CPU seconds | peak memory |",
        "|---|---|---|---|",
    ]
    for row in found["steps"]:
        memory, cpu = row.get("peak memory [MiB]"), row.get("CPU seconds")
        shown = "" if memory is None else f"{memory:,} MiB"
        lines.append(f"| {row['step']} | {row['seconds']:.0f} | {'' if cpu is None else f'{cpu:.0f}'} | {shown} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both sections."""
    replace_section(DOCUMENT, "faults", faults_table())
    replace_section(DOCUMENT, "scale", scale_table())


if __name__ == "__main__":
    main()

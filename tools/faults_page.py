"""Write the figures of docs/faults.md, which `make test-faults` and benchmarks/kinetics_scale.py measured.

python tools/faults_page.py     # writes the two sections of the page from benchmarks/measured/
"""

import json
from collections import Counter
from pathlib import Path

from aurl.system.files import replace_section

MEASURED = Path(__file__).resolve().parents[1] / "benchmarks/measured"
DOCUMENT = MEASURED.parents[1] / "docs/faults.md"


def faults_table() -> str:
    """Format one row for each fault: how often it was caused, the outcome, seconds of the test."""
    if not (MEASURED / "faults.json").is_file():
        return "Not run to its end yet on this state of the code.\n"
    faults = json.loads((MEASURED / "faults.json").read_text())
    lines = ["| fault | runs | outcome | seconds |", "|---|---|---|---|"]
    lines += [f"| {name} | {row['runs']} | {row['outcome']} | {row['seconds']:.0f} |" for name, row in faults.items()]
    kills = Counter(entry["stage"] for row in faults.values() for entry in row.get("kills", []))
    if kills:
        counts = ", ".join(f"{stage} {number}" for stage, number in kills.items())
        lines += ["", f"The {kills.total()} kills of a run from nothing, by the stage that had just begun: {counts}."]
    return "\n".join(lines) + "\n"


def scale_table() -> str:
    """Format one row for each step of the simulated Kinetics-700."""
    scale = json.loads((MEASURED / "kinetics_scale.json").read_text())
    lines = [
        f"{scale['videos']:,} videos, {scale['shards']} shards, {scale['cores']} cores.",
        "",
        "| step | seconds | CPU seconds | peak memory |",
        "|---|---|---|---|",
    ]
    for row in scale["steps"]:
        memory, cpu = row.get("peak memory [MiB]"), row.get("CPU seconds")
        shown = "" if memory is None else f"{memory:,} MiB"
        lines.append(f"| {row['step']} | {row['seconds']:.0f} | {'' if cpu is None else f'{cpu:.0f}'} | {shown} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    replace_section(DOCUMENT, "faults", faults_table())
    replace_section(DOCUMENT, "scale", scale_table())

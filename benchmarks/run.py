"""Run the benchmarks and write docs/performance.md.

    python benchmarks/run.py                  # all of them (make benchmark)
    python benchmarks/run.py clip_loading     # one
    python benchmarks/run.py --page           # the page alone, from what was measured

Each benchmark runs in a process of its own. What it measured is kept in benchmarks/measured/<name>.json with the
machine and the commit; the page is made of these files.
"""

import argparse
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from tabulate import tabulate

from aurl.system.files import replace_section, write_json

FOLDER = Path(__file__).parent
MEASURED = FOLDER / "measured"
DOCUMENT, SECTION = Path("docs/performance.md"), "make benchmark"
BENCHMARKS = [
    "clip_loading",
    "frame_extraction",
    "loader",
    "training_step",
    "objective",
    "evaluation",
    "uniformity",
    "orchestration",
    "memory",
    "growth",
]


def machine() -> str:
    """The processor, cores, Python and torch."""
    import torch

    names = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    name = names[0] if names else platform.machine()
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{name}, {os.cpu_count()} cores{gpu}; Python {platform.python_version()}, torch {torch.__version__}"


def commit() -> str:
    """The commit that was measured, with + for changes."""
    found = subprocess.run(["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def measure(name: str) -> None:
    """Run one benchmark in this process and save its record."""
    rows = importlib.import_module(name).measure()
    MEASURED.mkdir(exist_ok=True)
    record = {"machine": machine(), "commit": commit(), "rows": [asdict(row) for row in rows]}
    write_json(MEASURED / f"{name}.json", record)
    for row in rows:
        print(
            f"{row.what}: {row.median:.2f} ({min(row.ratios):.2f} to {max(row.ratios):.2f}), aim {row.aim}", flush=True
        )


def page() -> str:
    """All records as Markdown."""
    parts = []
    for name in BENCHMARKS:
        path = MEASURED / f"{name}.json"
        if not path.is_file():
            continue
        record = json.loads(path.read_text())
        doc = (importlib.import_module(name).__doc__ or name).strip().splitlines()[0]
        rows = []
        for row in record["rows"]:
            median = statistics.median(row["ratios"])
            sign = "≥" if row["better"] == "larger" else "≤"
            met = (
                ""
                if row["aim"] is None
                else (
                    "yes" if (median >= row["aim"]) == (row["better"] == "larger") or median == row["aim"] else "**no**"
                )
            )
            aim = "" if row["aim"] is None else f"{sign} {row['aim']:g}"
            spread = f"{median:.3g} ({min(row['ratios']):.3g} to {max(row['ratios']):.3g})"
            rows.append([row["what"], row["against"], spread, aim, met])
        table = tabulate(
            rows, ["what", "against", "ratio: median (range)", "aim", "met"], "pipe", disable_numparse=True
        )
        details = []
        for row in record["rows"]:
            figures = ", ".join(
                f"{key} {value:,.4g}" if isinstance(value, float | int) else f"{key} {value}"
                for key, value in row["figures"].items()
            )
            if figures or row["note"]:
                details.append(f"- {row['what']}: {figures}{'. ' if figures and row['note'] else ''}{row['note']}")
        foot = f"`python benchmarks/run.py {name}` at {record['commit']}, on {record['machine']}."
        parts.append("\n\n".join(part for part in (f"### {doc}", table, "\n".join(details), foot) if part))
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Measure what is named, each in a process of its own, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--page", action="store_true", help="write the page alone")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if unknown := set(arguments.benchmarks) - set(BENCHMARKS):
        parser.error(f"unknown benchmark {sorted(unknown)[0]}; known: {', '.join(BENCHMARKS)}")
    if arguments.inside:
        return measure(arguments.benchmarks[0])
    failed = []
    for name in [] if arguments.page else arguments.benchmarks or BENCHMARKS:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, __file__, "--inside", name]).returncode:
            failed.append(name)
    replace_section(DOCUMENT, SECTION, page())
    if failed:
        sys.exit(f"benchmarks that failed: {', '.join(failed)}")
    return None


if __name__ == "__main__":
    main()

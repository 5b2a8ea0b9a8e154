"""Run the benchmarks and write docs/performance.md.

    python benchmarks/run.py                  # all of them (make benchmark)
    python benchmarks/run.py clip_loading     # one
    python benchmarks/run.py --page           # the page alone, from what was measured

Each benchmark runs in a process of its own. What it measured is kept in benchmarks/measured/NAME.json with the
machine and the commit; the page is made of these files.
"""

import argparse
import importlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness import Comparison
from tabulate import tabulate

from aurl.lineage.machine import cpu_model
from aurl.system.files import replace_section
from aurl.system.json_files import write_json

MEASURED = Path(__file__).parent / "measured"
DOCUMENT, SECTION, GLANCE = Path("docs/performance.md"), "make benchmark", "at a glance"
BENCHMARKS = [
    *("clip_loading", "frame_extraction", "isolation", "loader", "training_step", "objective", "evaluation"),
    *("orchestration", "scale"),
]
HEAD = ["what", "against", "ratio: median (range)", "aim", "met"]


def machine() -> str:
    """Name the processor, cores, Python and torch."""
    import torch

    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{cpu_model()}, {os.cpu_count()} cores{gpu}; Python {platform.python_version()}, torch {torch.__version__}"


def commit() -> str:
    """Name the commit that is measured, with + for changes."""
    described = subprocess.run(["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True)
    return described.stdout.strip() or "unknown"


def measure(name: str) -> None:
    """Run one benchmark in this process and save its record."""
    rows = importlib.import_module(name).measure()
    record = {"machine": machine(), "commit": commit(), "rows": [asdict(row) for row in rows]}
    write_json(MEASURED / f"{name}.json", record)
    print("\n".join(" | ".join(row.cells()) for row in rows), flush=True)


def records() -> Iterator[tuple[str, str, dict[str, Any], list[Comparison]]]:
    """Yield each benchmark that was measured: name, title, record, rows."""
    for name in BENCHMARKS:
        if (MEASURED / f"{name}.json").is_file():
            record = json.loads((MEASURED / f"{name}.json").read_text())
            title = str(importlib.import_module(name).__doc__).splitlines()[0]
            yield name, title, record, [Comparison(**row) for row in record["rows"]]


def glance() -> str:
    """Format the first comparison of each benchmark, and how many aims are met."""
    rows = []
    for _, title, _, compared in records():
        met = [cells[-1] == "yes" for cells in (row.cells() for row in compared) if cells[-1]]
        first = compared[0].cells()
        aims = f"{sum(met)} of {len(met)}" if met else "none set"
        rows.append([f"[{title.split(':')[0].split(',')[0].rstrip('.')}](#{_anchor(title)})", *first[:3], aims])
    head = ["what is measured", "first row", "against", "ratio: median (range)", "aims met"]
    return str(tabulate(rows, head, "pipe", disable_numparse=True)) + "\n"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\s-]", "", title.lower()).strip().replace(" ", "-")


def page() -> str:
    """Format all records as Markdown."""
    parts = []
    for name, title, record, rows in records():
        table = tabulate([row.cells() for row in rows], HEAD, "pipe", disable_numparse=True)
        details = "\n".join(filter(None, (row.details() for row in rows)))
        foot = f"`python benchmarks/run.py {name}` at {record['commit']}, on {record['machine']}."
        parts += filter(None, (f"### {title}", table, details, foot))
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
    names = [] if arguments.page else arguments.benchmarks or BENCHMARKS
    failed = [name for name in names if subprocess.run([sys.executable, __file__, "--inside", name]).returncode]
    replace_section(DOCUMENT, SECTION, page())
    replace_section(DOCUMENT, GLANCE, glance())
    return sys.exit(f"benchmarks that failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()

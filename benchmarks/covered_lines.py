"""Count the lines and branches of the package that the tests run, also in the processes that they start.

    pip install coverage
    python benchmarks/covered_lines.py    # the tests of `make test`, then those of `make test-slow`

The results go to `benchmarks/measured/covered_lines.json`. The tests of hostile input fail: coverage.py
writes files in processes that may not, and theirs do not count.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from processes import REPOSITORY
from run import commit

from aurl.system.json_files import write_json

RECORD = REPOSITORY / "benchmarks/measured/covered_lines.json"
EVERY = "not slurm and not faults"
PARTS = {"make test": f"not slow and {EVERY}", "make test-slow": f"slow and {EVERY}"}

# Tests run copies of the repository: their files count as those of the tree. Decoders end with `os._exit`, and the
# server of jobs forks.
SETTINGS = """\
[run]
branch = true
parallel = true
include = */aurl/*
omit =
    */site-packages/*
    */tests/*
patch =
    subprocess
    _exit
    fork
disable_warnings =
    no-data-collected
    module-not-measured

[paths]
package =
    {package}
    */aurl
"""


def run_tests(expression: str, folder: Path) -> dict[str, Any]:
    """Run the tests that a pytest expression selects under coverage; returns their seconds and pytest's last line."""
    folder.mkdir(parents=True)
    environment = os.environ | {"COVERAGE_FILE": str(folder / "data")}
    command = [
        sys.executable,
        "-m",
        "coverage",
        "run",
        f"--rcfile={folder.parent / 'coveragerc'}",
        "-m",
        "pytest",
        "-q",
    ]
    command += ["-n", "2", "--dist", "worksteal", "-m", expression]
    start = time.monotonic()
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True)
    return {
        "seconds": round(time.monotonic() - start),
        "outcome": done.stdout.rstrip().splitlines()[-1].strip("= "),
    }


def counts(*folders: Path) -> dict[str, int]:
    """Count the lines and branches of the package, and those that ran in the processes of these folders."""
    from coverage import Coverage

    with tempfile.TemporaryDirectory() as scratch:
        coverage = Coverage(data_file=f"{scratch}/data", config_file=str(folders[0].parent / "coveragerc"))
        coverage.combine([str(folder) for folder in folders], keep=True)
        total = {"lines": 0, "lines_run": 0, "branches": 0, "branches_run": 0}
        for path in sorted((REPOSITORY / "aurl").rglob("*.py")):
            _, lines, _, missing, _ = coverage.analysis2(str(path))
            exits = coverage.branch_stats(str(path)).values()
            total["lines"] += len(lines)
            total["lines_run"] += len(lines) - len(missing)
            total["branches"] += sum(every for every, _ in exits)
            total["branches_run"] += sum(taken for _, taken in exits)
    return total


def measure(parts: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """Run each part, name -> pytest's expression, and count what each runs, and all of them together."""
    (folder / "coveragerc").write_text(SETTINGS.format(package=REPOSITORY / "aurl"))
    folders = {name: folder / name.replace(" ", "-") for name in parts}
    record: dict[str, Any] = {"commit": commit()}
    for name, expression in parts.items():
        record[name] = run_tests(expression, folders[name]) | counts(folders[name])
        print(name, record[name], flush=True)
    return record | {"both": counts(*folders.values())}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="covered-lines-") as top:
        write_json(RECORD, measure(PARTS, Path(top)))

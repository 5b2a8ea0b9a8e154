"""Count the lines and branches of the package that the tests run, also in the processes that they start.

    pip install coverage
    python benchmarks/covered_lines.py                                # `make test`, then `make test-slow`
    python benchmarks/covered_lines.py --tree FOLDER --name before    # all tests of a clone of another commit, in one

A clone of another commit needs a `.venv` with `coverage` in it. Results go to `benchmarks/measured/covered_lines.json`.
The tests of hostile input fail: coverage.py writes files in processes that may not, and theirs do not count.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "benchmarks/measured/covered_lines.json"
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
    {tree}/aurl
    */aurl
"""


def run_tests(tree: Path, expression: str, folder: Path) -> dict[str, Any]:
    """Run the tests that a pytest expression selects under coverage; returns their seconds and pytest's last line."""
    folder.mkdir(parents=True)
    settings = folder.parent / "coveragerc"
    settings.write_text(SETTINGS.format(tree=tree))
    binaries = tree / ".venv/bin"
    environment = os.environ | {
        "COVERAGE_FILE": str(folder / "data"),
        "PATH": f"{binaries}:{os.environ['PATH']}",
    }
    command = [binaries / "python", "-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest", "-q"]
    command += ["-n", "2", "--dist", "worksteal", "-m", expression]
    start = time.monotonic()
    output = subprocess.run(command, cwd=tree, env=environment, check=False, stdout=subprocess.PIPE, text=True).stdout
    (folder.parent / f"{folder.name}.log").write_text(output)
    return {"seconds": round(time.monotonic() - start), "outcome": output.rstrip().splitlines()[-1].strip("= ")}


def counts(tree: Path, folders: list[Path]) -> dict[str, int]:
    """Count the lines and branches of a tree's package, and those that ran in the processes of these folders."""
    from coverage import Coverage

    settings = folders[0].parent / "coveragerc"
    with tempfile.TemporaryDirectory() as scratch:
        coverage = Coverage(data_file=f"{scratch}/data", config_file=str(settings))
        coverage.combine([str(folder) for folder in folders], keep=True)
        total = {"lines": 0, "lines_run": 0, "branches": 0, "branches_run": 0}
        for path in sorted((tree / "aurl").rglob("*.py")):
            _, lines, _, missing, _ = coverage.analysis2(str(path))
            exits = coverage.branch_stats(str(path)).values()
            total["lines"] += len(lines)
            total["lines_run"] += len(lines) - len(missing)
            total["branches"] += sum(all_exits for all_exits, _ in exits)
            total["branches_run"] += sum(taken for _, taken in exits)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, default=ROOT, help="a clone, with its .venv")
    parser.add_argument("--name", default="", help="run all tests in one, and record them under this name")
    parser.add_argument("--scratch", type=Path, help="a new folder for the data; a temporary one otherwise")
    arguments = parser.parse_args()
    tree = arguments.tree.resolve()
    scratch = arguments.scratch or Path(tempfile.mkdtemp(prefix="covered-lines-"))
    parts = {arguments.name: EVERY} if arguments.name else PARTS
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=tree, text=True).strip()
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    folders = [scratch.resolve() / name.replace(" ", "-") for name in parts]
    for (name, expression), folder in zip(parts.items(), folders, strict=True):
        record[name] = {"commit": commit} | run_tests(tree, expression, folder) | counts(tree, [folder])
        print(name, record[name], flush=True)
    if len(folders) > 1:
        record["both"] = {"commit": commit} | counts(tree, folders)
        print("both", record["both"])
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()

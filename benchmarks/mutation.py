"""Change the package in one place at a time: does a changed result ever go unnoticed?

    pip install coverage
    python benchmarks/mutation.py [--limit N] [--jobs 2]      # writes benchmarks/measured/mutation.json

For each change (`mutants.py`) and each stage one of two things must hold: the stage's outputs are equal to the byte, or
the plan names the stage, because the changed file belongs to its code or the change alters its parameters. Stages whose
run does not reach the changed line (as coverage.py says) hold by themselves, and so do those that the plan names. The
others are run with the change, from the inputs of a finished `micro`, and their outputs are compared. A run that stops
with an error is loud, and so is one that hangs.

Each stage is run once, as its first job (training: `aurl`), the figures for one mutant in ten. The page holds times, so
its stage is left out. The script runs in a process namespace of its own: a changed program may kill what it likes.
"""

import argparse
import importlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from mutant_runs import EQUAL, HANGS, PLANNED, SILENT, STOPS, Workplace, describe, forked
from mutants import Mutant, files_of, mutants_of

REPOSITORY = Path(__file__).resolve().parents[1]
MEASURED = REPOSITORY / "benchmarks/measured/mutation.json"
NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
INSIDE = "AURL_MUTATION"  # set where the namespace is there
HEAVY = (
    *("torch", "torch._dynamo", "numpy", "pandas", "scipy.stats", "statsmodels.api", "matplotlib.pyplot", "pydantic"),
    *("av", "decord", "gensim", "safetensors.torch", "jinja2", "networkx", "tabulate", "yaml", "click", "simplejpeg"),
)
SLOW = "figures"  # as long as all other stages together
SEED, EVERY = 0, 100


def finished_micro(folder: Path) -> None:
    """Copy the repository and run `micro` there."""
    from processes import copy_repository, run

    copy_repository(folder)
    run(folder, sys.executable, "-m", "aurl.cli", "use", "micro")
    run(folder, "snakemake", "--cores", "2")


def lines_of_stages(folder: Path, jobs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, set[int]]]:
    """Run each job under coverage; returns stage -> file -> lines that ran, those of its child processes too."""
    from coverage import CoverageData

    reached: dict[str, dict[str, set[int]]] = {}
    settings = folder.parent / "coveragerc"
    settings.write_text(f"[run]\nparallel = true\nsource = {folder / 'aurl'}\npatch =\n  subprocess\n  _exit\n  fork\n")
    for job in jobs:
        data = folder.parent / "coverage" / job["stage"] / "data"
        data.parent.mkdir(parents=True)
        environment = os.environ | {"PYTHONPATH": str(folder), "COVERAGE_FILE": str(data)}
        command = [sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", "-m", "aurl.cli", *job["command"]]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        reached[job["stage"]] = {}
        for path in data.parent.glob("data.*"):
            part = CoverageData(str(path))
            part.read()
            for file in part.measured_files():
                name = Path(file).relative_to(folder).as_posix()
                reached[job["stage"]].setdefault(name, set()).update(part.lines(file) or ())
    return reached


def sorted_out(
    mutants: Sequence[Mutant], jobs: Sequence[Mapping[str, Any]], reached: Mapping[str, Mapping[str, set[int]]]
) -> tuple[Counter[str], list[tuple[Mutant, list[str]]]]:
    """Sort mutants into those that need no run, counted by reason, and those that do, with their stages."""
    counts: Counter[str] = Counter()
    waiting = []
    code = {job["stage"]: set(job["code"]) for job in jobs}
    for mutant in mutants:
        lines = set(range(mutant.lines[0], mutant.lines[1] + 1))
        running = [stage for stage, files in reached.items() if lines & files.get(mutant.file, set())]
        unplanned = [stage for stage in running if mutant.file not in code[stage]]
        if unplanned:
            waiting.append((mutant, unplanned))
        counts["run with the change" if unplanned else "named by the plan" if running else "not reached by micro"] += 1
    return counts, waiting


PLACES: dict[str, Workplace] = {}


def _start(finished: Path, folder: Path, jobs: Sequence[Mapping[str, Any]]) -> None:
    sys.dont_write_bytecode = True
    own = folder / f"worker{os.getpid()}" / "repository"
    own.parent.mkdir()
    PLACES["own"] = Workplace(finished, own, jobs)


def _one(mutant: Mutant | None, stages: Sequence[str]) -> dict[str, str]:
    return PLACES["own"].outcomes(mutant, stages)


def measure(limit: int | None, workers: int, kept: Path | None) -> dict[str, Any]:
    """Run the whole; returns the counts, and every mutant that changed a result without a word."""
    with tempfile.TemporaryDirectory(prefix="aurl-mutation-") as top:
        finished = Path(top).resolve() / "finished"
        if kept is not None and kept.is_dir():
            shutil.copytree(kept, finished, symlinks=True)
        else:
            finished_micro(finished)
        listed = Path(top) / "jobs.json"
        if forked(lambda: describe(finished, listed), finished) != EQUAL:
            raise SystemExit((finished.parent / f"{finished.name}.log").read_text())
        jobs = json.loads(listed.read_text())
        copied = Path(top) / "traced"
        shutil.copytree(finished, copied, symlinks=True)
        reached = lines_of_stages(copied, jobs)
        mutants = [
            each for file in files_of(finished / "aurl") for each in mutants_of(file, (finished / file).read_text())
        ]
        counts, waiting = sorted_out(mutants, jobs, reached)
        print(f"{len(mutants)} mutants: {dict(counts)}", flush=True)
        random.Random(SEED).shuffle(waiting)
        chosen = [(mutant, _without_slow(stages, number)) for number, (mutant, stages) in enumerate(waiting[:limit])]
        for name in HEAVY:
            importlib.import_module(name)
        with ProcessPoolExecutor(workers, get_context("fork"), _start, (finished, Path(top), jobs)) as pool:
            unchanged = pool.submit(_one, None, list(reached)).result()
            if set(unchanged.values()) != {EQUAL}:
                raise SystemExit(f"without a change: {unchanged}")
            outcomes = dict(_run(pool, chosen))
    rows = [(mutant, outcomes[mutant]) for mutant, _ in chosen]
    return {
        "mutants": len(mutants), "stages": list(reached), **{key.replace(" ", "_"): value for key, value in counts.items()},
        "chosen": len(chosen), "outcomes": dict(Counter(worst(outcome) for _, outcome in rows)),
        "kinds": dict(Counter(mutant.kind for mutant, _ in rows)),
        "silent": [
            {"file": m.file, "line": m.lines[0], "kind": m.kind, "before": m.before, "after": m.after,
             "stages": [stage for stage, how in outcome.items() if how == SILENT]}
            for m, outcome in rows if SILENT in outcome.values()
        ],
    }  # fmt: skip


def _run(
    pool: ProcessPoolExecutor, chosen: Sequence[tuple[Mutant, list[str]]]
) -> Iterator[tuple[Mutant, dict[str, str]]]:
    """Run mutants; prints how far it is, and each silent one."""
    waiting = {pool.submit(_one, mutant, stages): mutant for mutant, stages in chosen}
    began = time.monotonic()
    for number, done in enumerate(as_completed(waiting), 1):
        mutant, outcome = waiting[done], done.result()
        if SILENT in outcome.values():
            print(f"SILENT {mutant} {outcome}", flush=True)
        if number % EVERY == 0:
            left = (time.monotonic() - began) / number * (len(waiting) - number)
            print(f"{number} of {len(waiting)} mutants, {left / 60:.0f} min left", flush=True)
        yield mutant, outcome


def _without_slow(stages: list[str], number: int) -> list[str]:
    """Leave the figures out, which take longer than all other stages, but for each tenth mutant."""
    return [name for name in stages if name != SLOW or len(stages) == 1 or number % 10 == 0]


def worst(outcome: Mapping[str, str]) -> str:
    """Name the outcome of a mutant by the stage that matters most."""
    return next(each for each in (SILENT, HANGS, STOPS, PLANNED, EQUAL) if each in outcome.values())


def main() -> None:
    """Run in a process namespace of its own, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--limit", type=int, help="run this many of the mutants that need a run, drawn with seed 0")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--finished", type=Path, help="a copy of the repository with a finished micro")
    options = parser.parse_args()
    if os.environ.get(INSIDE) is None:
        os.environ[INSIDE] = "1"
        os.execvp(NAMESPACE[0], [*NAMESPACE, sys.executable, *sys.argv])
    figures = measure(options.limit, options.jobs, options.finished)
    MEASURED.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps({key: value for key, value in figures.items() if key != "silent"}, indent=1))


if __name__ == "__main__":
    main()

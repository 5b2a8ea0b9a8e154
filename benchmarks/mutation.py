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
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from mutants import Mutant, changed_source, files_of, mutants_of

REPOSITORY = Path(__file__).resolve().parents[1]
MEASURED = REPOSITORY / "benchmarks/measured/mutation.json"
NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
INSIDE = "AURL_MUTATION"  # set where the namespace is there
HEAVY = (
    *("torch", "torch._dynamo", "numpy", "pandas", "scipy.stats", "statsmodels.api", "matplotlib.pyplot", "pydantic"),
    *("av", "decord", "gensim", "safetensors.torch", "jinja2", "networkx", "tabulate", "yaml", "click", "simplejpeg"),
)
SLOW = "figures"  # as long as all other stages together
MODEL = "aurl"  # the variant whose training stands for all
SEED, EVERY = 0, 100
LIMIT_SECONDS, WHOLE_SECONDS = 30, 300  # of a stage, of all stages of a mutant
SNAKEMAKES = ".snakemake_timestamp"  # in a folder, and not the job's
EQUAL, STOPS, HANGS, PLANNED, SILENT = "equal", "stops", "hangs", "planned", "silent"


def finished_micro(folder: Path) -> None:
    """Copy the repository and run `micro` there."""
    from processes import copy_repository, run

    copy_repository(folder)
    run(folder, sys.executable, "-m", "aurl.cli", "use", "micro")
    run(folder, "snakemake", "--cores", "2")


def jobs_of(folder: Path) -> list[dict[str, Any]]:
    """Describe one job of each stage: command, parameters, inputs, code and outputs."""
    from aurl.experiment.read import load_experiment
    from aurl.pipeline.jobs import Jobs
    from aurl.pipeline.selections import SELECTIONS

    os.chdir(folder)
    chosen: dict[str, Any] = {}
    for job in filter(lambda job: job.stage.repeats, Jobs(load_experiment(Path("params.yaml"))).all()):
        first = chosen.setdefault(job.stage.name, job)
        if job.wildcards.get("variant") == MODEL != first.wildcards.get("variant"):
            chosen[job.stage.name] = job
    described = []
    for job in chosen.values():
        options = [f"--{name}={value}" for name, value in job.wildcards.items() if name not in ("dataset", "held_out")]
        places = [
            str(job.wildcards[name]) for name in ("dataset", "held_out") if name in SELECTIONS[job.stage.jobs].matrix
        ]
        described.append({
            "stage": job.stage.name,
            "entry": job.stage.entry,
            "command": [job.stage.command, *places, *options],
            "values": json.loads(json.dumps(dict(job.values))),
            "depends": [path.as_posix() for path in job.depends],
            "code": list(job.code),
            "made": [path.as_posix() for path in job.made],
        })  # fmt: skip
    return described


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


class Workplace:
    """A copy of the finished experiment in which one mutant at a time runs."""

    def __init__(self, finished: Path, folder: Path, jobs: Sequence[Mapping[str, Any]]) -> None:
        self.finished, self.folder, self.jobs = finished, folder, jobs
        shutil.copytree(finished, folder, symlinks=True)
        self.digests = {path: _digest(finished / path) for job in jobs for path in job["made"]}

    def outcomes(self, mutant: Mutant | None, stages: Sequence[str]) -> dict[str, str]:
        """Run stages with a mutant; returns how each ended."""
        if mutant is not None:
            place = self.folder / mutant.file
            original = place.read_text()
            place.unlink()
            place.write_text(changed_source(original, mutant.number))
        answer = self.folder.parent / "outcomes.json"
        answer.unlink(missing_ok=True)
        try:
            ended = _forked(lambda: self._run(stages, answer), self.folder, WHOLE_SECONDS)
            told: dict[str, str] = json.loads(answer.read_text()) if answer.is_file() else {}
            return told or dict.fromkeys(stages, HANGS if ended == HANGS else STOPS)
        finally:
            for job in self.jobs:
                self._restore(job)
            if mutant is not None:
                shutil.copy2(self.finished / mutant.file, place)

    def _run(self, stages: Sequence[str], answer: Path) -> None:
        """Import the mutant once, fork a process for each stage, and write how each ended."""
        _only(self.folder)
        planned = {job["stage"]: job for job in jobs_of(self.folder)}
        chosen = [job for job in self.jobs if job["stage"] in stages]
        for name in ("aurl.cli.group", "aurl.lineage.recorded", *(job["entry"] for job in chosen)):
            with suppress(Exception):  # the stage itself will say so
                importlib.import_module(name)
        outcomes = {}
        for job in chosen:
            now = planned.get(job["stage"])
            if now is None or any(now[key] != job[key] for key in ("values", "depends", "command", "made")):
                outcomes[job["stage"]] = PLANNED
                continue
            ended = _forked(lambda arguments=job["command"]: _command(arguments), self.folder)
            outcomes[job["stage"]] = ended if ended != EQUAL else self._compared(job)
            self._restore(job)
        answer.with_suffix(".new").write_text(json.dumps(outcomes))
        answer.with_suffix(".new").rename(answer)

    def _compared(self, job: Mapping[str, Any]) -> str:
        return EQUAL if all(_digest(self.folder / path) == self.digests[path] for path in job["made"]) else SILENT

    def _restore(self, job: Mapping[str, Any]) -> None:
        """Put the outputs back that a mutant changed, and what it left beside them."""
        for path in job["made"]:
            if _digest(self.folder / path) != self.digests[path]:
                _remove(self.folder / path)
                copy = shutil.copytree if (self.finished / path).is_dir() else shutil.copy2
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                copy(self.finished / path, self.folder / path)


def _describe(folder: Path, target: Path) -> None:
    _only(folder)
    target.with_suffix(".new").write_text(json.dumps(jobs_of(folder)))
    target.with_suffix(".new").rename(target)


def _command(arguments: Sequence[str]) -> None:
    """Run an `aurl` command in this process."""
    sys.argv = ["aurl", *arguments]
    importlib.import_module("aurl.cli.group").main()


def _only(folder: Path) -> None:
    """Let this process import the package from a folder, and work there."""
    for name in [name for name in sys.modules if name.split(".")[0] == "aurl"]:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    package = importlib.import_module("aurl")
    assert Path(str(package.__file__)).is_relative_to(folder), package.__file__


def _forked(work: Any, folder: Path, limit: float | None = None) -> str:
    """Do work in a fork with a session of its own; returns whether it ended well."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setsid()
            log = os.open(folder.parent / f"{folder.name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for number in (1, 2):
                os.dup2(log, number)
            work()
            status = 0
        except SystemExit as ended:
            status = int(ended.code is not None and ended.code != 0)
        finally:
            os._exit(status)
    ended, deadline = 0, time.monotonic() + (limit or LIMIT_SECONDS)
    while not ended and time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        time.sleep(0.005)
    with suppress(OSError):  # the group has ended
        os.killpg(pid, signal.SIGKILL)
    if not ended:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return HANGS
    return EQUAL if status == 0 else STOPS


def _digest(path: Path) -> str:
    """Digest a file, or the names and contents of a folder's files."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    files = [each for each in files if each.name != SNAKEMAKES]
    total = hashlib.sha256()
    for file in files:
        if not file.is_file():
            return ""
        total.update(f"{file.relative_to(path)}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


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
        if _forked(lambda: _describe(finished, listed), finished) != EQUAL:
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

"""Run the stages of a finished experiment with a mutant of the package, and compare their outputs.

Nothing of the package itself is used here to compare: it would be the mutant's.
"""

import hashlib
import importlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mutants import Mutant, changed_source

MODEL = "aurl"  # the variant whose training stands for all
LIMIT_SECONDS, WHOLE_SECONDS = 30, 300  # of a stage, of all stages of a mutant
SNAKEMAKES = ".snakemake_timestamp"  # in a folder, and not the job's
EQUAL, STOPS, HANGS, PLANNED, SILENT = "equal", "stops", "hangs", "planned", "silent"  # how a stage ends


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
            ended = forked(lambda: self._run(stages, answer), self.folder, WHOLE_SECONDS)
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
            if now is None or is_planned(job, now):
                outcomes[job["stage"]] = PLANNED
                continue
            for path in job["made"]:  # a job that makes nothing leaves nothing
                _remove(self.folder / path)
            ended = forked(lambda arguments=job["command"]: _command(arguments), self.folder)
            outcomes[job["stage"]] = ended if ended != EQUAL else self._compared(job)
            self._restore(job)
        answer.with_suffix(".new").write_text(json.dumps(outcomes))
        answer.with_suffix(".new").rename(answer)

    def _compared(self, job: Mapping[str, Any]) -> str:
        """Say how a job without an error ended; Snakemake stops where an output is missing."""
        digests = {path: _digest(self.folder / path) for path in job["made"]}
        if not all(digests.values()):
            return STOPS
        return EQUAL if all(digests[path] == self.digests[path] for path in digests) else SILENT

    def _restore(self, job: Mapping[str, Any]) -> None:
        """Put the outputs back that a mutant changed, and what it left beside them."""
        for path in job["made"]:
            if _digest(self.folder / path) != self.digests[path]:
                _remove(self.folder / path)
                copy = shutil.copytree if (self.finished / path).is_dir() else shutil.copy2
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                copy(self.finished / path, self.folder / path)


def is_planned(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Say whether a job's parameters, or which files it reads and makes, are others: their order is no difference."""
    return before["values"] != now["values"] or any(set(before[key]) != set(now[key]) for key in ("depends", "made"))


def describe(folder: Path, target: Path) -> None:
    """Write what `jobs_of` returns for a folder's own code."""
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


def forked(work: Callable[[], object], folder: Path, limit: float | None = None) -> str:
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
    """Digest a file, or the names and contents of a folder's files; empty where there is nothing."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    total = hashlib.sha256()
    if not path.exists():
        return ""
    for file in (each for each in files if each.name != SNAKEMAKES):
        total.update(f"{file.relative_to(path)}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

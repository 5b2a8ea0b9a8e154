"""Orchestration: what Snakemake, process starts and idle cores cost beside the stages' own work.

Measured with the preset `mini` (AURL_ORCHESTRATION=micro takes another one) in a copy of this working tree, on two
cores. A stage's own work is the CPU time in its provenance block less the CPU time of starting Python and importing
the stage's modules, which is measured apart; the run is measured once, everything else at least five times.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import Comparison, interleaved, ratios

from aurl.experiment.read import load_experiment
from aurl.experiment.settings import Experiment
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.paths import ResultPaths
from aurl.pipeline.stages import STAGES

REPOSITORY = Path(__file__).resolve().parents[1]
CORES = 2
SPREAD_OVER_CORES = ("ingest", "manifest")  # these take all cores, as their rules say
STARTS = 5
BARE = """
rule all:
    input: expand("out/{{number}}.txt", number=range({jobs}))
rule job:
    input: "Snakefile"
    output: "out/{{number}}.txt"
    {params}
    shell: "touch {{output}}"
"""


@dataclass(frozen=True)
class Piece:
    """A finished job: seconds that it took on so many cores, its place in the run, and the jobs that it waits for."""

    name: str
    stage: str
    seconds: float
    cpu_seconds: float
    cores: int
    began: str
    needs: tuple[str, ...]


def measure() -> list[Comparison]:
    """The whole experiment once; then nothing to do, and a dry run, against a bare workflow."""
    preset = os.environ.get("AURL_ORCHESTRATION", "mini")
    with tempfile.TemporaryDirectory(prefix="aurl-orchestration-") as name:
        folder = copy_of_repository(Path(name) / "copy", preset)
        before = _children_cpu()
        began = time.perf_counter()
        run(folder, "snakemake", "--cores", str(CORES))
        wall, cpu = time.perf_counter() - began, _children_cpu() - before
        experiment = load_experiment(folder / "params.yaml")
        pieces = finished(experiment, folder)
        rows = whole_run(preset, wall, cpu, pieces, {stage: start_of(stage) for stage in {p.stage for p in pieces}})
        return rows + second_run(preset, folder, Path(name), len(pieces) + 1)


def whole_run(
    preset: str, wall: float, cpu: float, pieces: Sequence[Piece], starts: Mapping[str, float]
) -> list[Comparison]:
    """The wall time against the stages' own work, and against the best possible schedule of the same jobs."""
    own = sum(max(0.0, piece.cpu_seconds - starts[piece.stage]) for piece in pieces)
    started = sum(min(starts[piece.stage], piece.cpu_seconds) for piece in pieces)
    around = cpu - sum(piece.cpu_seconds for piece in pieces)
    area = sum(piece.seconds * piece.cores for piece in pieces) / CORES
    bound = max(area, critical_path(pieces))
    simulated = schedule(pieces, CORES)
    by_stage: dict[str, float] = {}
    for piece in pieces:
        by_stage[piece.stage] = by_stage.get(piece.stage, 0.0) + max(0.0, piece.cpu_seconds - starts[piece.stage])
    most = sorted(by_stage.items(), key=lambda item: -item[1])[:6]
    return [
        Comparison(
            f"`{preset}`: wall time",
            "CPU time of the stages' own work / 2",
            [wall / (own / CORES)],
            1.25,
            "smaller",
            {
                "wall [s]": wall, "own work [CPU s]": own, "Python and imports [CPU s]": started,
                "Snakemake, shells and ends of processes [CPU s]": around, "jobs": len(pieces),
                **{f"{stage} [CPU s]": value for stage, value in most},
            },
            "One round.",
        ),
        Comparison(
            f"`{preset}`: wall time",
            "lower bound for its jobs' wall times on two cores",
            [wall / bound],
            None,
            "smaller",
            {
                "critical path [s]": critical_path(pieces), "sum over cores [s]": area,
                "simulated in the order that was seen [s]": simulated,
            },
            "One round; the jobs' wall times hold what two of them cost each other.",
        ),
    ]  # fmt: skip


def second_run(preset: str, folder: Path, work: Path, jobs: int) -> list[Comparison]:
    """Nothing to do, and a dry run, against a workflow of one rule with as many jobs."""
    bare = {}
    for name, params in (("no parameters", ""), ("a parameter", "params: lambda wildcards: {'a': 1}")):
        bare[name] = work / name.replace(" ", "_")
        bare[name].mkdir()
        (bare[name] / "Snakefile").write_text(BARE.format(jobs=jobs - 1, params=params))
        run(bare[name], "snakemake", "--cores", str(CORES), "--scheduler", "greedy")
    rows = []
    for what, options in (("second run, nothing to do", ()), ("dry run", ("--dry-run",))):
        command = ("snakemake", "--cores", str(CORES), "--quiet", "all", *options)
        ours, plain, same = interleaved(
            lambda command=command: run(folder, *command),
            lambda command=command: run(bare["no parameters"], *command),
            lambda command=command: run(bare["a parameter"], *command),
            clock=_children_cpu,
        )
        seconds = {"ours [CPU s]": statistics.median(ours), "bare [CPU s]": statistics.median(plain),
                   "bare with a parameter [CPU s]": statistics.median(same)}  # fmt: skip
        rows += [
            Comparison(
                f"`{preset}`: {what}", f"a bare workflow of {jobs} jobs, whose rule has a parameter, CPU time",
                ratios(ours, same), 1.5, "smaller", seconds,
            ),
            Comparison(
                f"`{preset}`: {what}", "the same without parameters, CPU time", ratios(ours, plain), 1.5, "smaller",
                note="Where a rule has parameters, Snakemake imports pandas to compare them.",
            ),
        ]  # fmt: skip
    return rows


def copy_of_repository(target: Path, preset: str) -> Path:
    """What git tracks or would track, as a repository of its own, with a preset chosen."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target / name)
    (target / "dvc.lock").unlink(missing_ok=True)
    shutil.copy(REPOSITORY / "presets" / f"{preset}.yaml", target / "params.yaml")
    identity = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "copy"]):
        subprocess.run(["git", *identity, *command], cwd=target, check=True)
    return target


def run(folder: Path, *command: str) -> None:
    """Run a command in a copy of the repository with its own code; it must succeed."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def finished(experiment: Experiment, folder: Path) -> list[Piece]:
    """Every job of a finished experiment, from its provenance blocks, in the order in which they began."""
    jobs = Jobs(experiment, ResultPaths(experiment.experiment))
    maker: dict[Path, str] = {}
    pieces = []
    for job in jobs.all():
        name = str(jobs.block(job))
        cost = json.loads((folder / name).read_text())["circumstance"]
        needs = tuple(dict.fromkeys(maker[path] for path in job.inputs if path in maker))
        maker |= dict.fromkeys(job.outputs, name)
        cores = CORES if job.stage in SPREAD_OVER_CORES else 1
        pieces.append(
            Piece(name, job.stage, cost["seconds"], cost["cpu_seconds"], cores, cost["started"], needs)
        )  # fmt: skip
    return sorted(pieces, key=lambda piece: piece.began)


def critical_path(pieces: Sequence[Piece]) -> float:
    """Seconds of the longest chain of jobs that wait for each other."""
    ends: dict[str, float] = {}
    todo = list(pieces)
    while todo:
        for piece in [piece for piece in todo if all(need in ends for need in piece.needs)]:
            ends[piece.name] = piece.seconds + max((ends[need] for need in piece.needs), default=0.0)
            todo.remove(piece)
    return max(ends.values())


def schedule(pieces: Sequence[Piece], cores: int) -> float:
    """Seconds of a run that always starts the first jobs, in the given order, that are ready and fit."""
    waiting, running, done = list(pieces), {}, set()
    now, free = 0.0, cores
    while waiting or running:
        for piece in list(waiting):
            if piece.cores <= free and all(need in done for need in piece.needs):
                running[piece.name] = (now + piece.seconds, piece.cores)
                free -= piece.cores
                waiting.remove(piece)
        name = min(running, key=lambda name: running[name][0])
        now, given = running.pop(name)
        free += given
        done.add(name)
    return now


def start_of(stage: str) -> float:
    """CPU seconds of a process that imports what a stage's command imports, and does nothing: the median of five."""
    command = [sys.executable, "-c", f"import aurl.cli, {STAGES[stage].entry}"]
    found = []
    for _ in range(STARTS):
        before = _children_cpu()
        subprocess.run(command, check=True, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)})
        found.append(_children_cpu() - before)
    return statistics.median(found)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

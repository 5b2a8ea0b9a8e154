"""Run a stage of a bundle again, with the code of the bundle, and compare.

This executes what the bundle brings: its code, and the packages that its lock names. So it is done only when asked for,
and only where files, chain and code agree.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aurl.audit.bundle.commit import Commit, parse_commit
from aurl.audit.bundle.container import Container
from aurl.audit.bundle.contents import CODE, is_inside
from aurl.audit.bundle.make import COMMIT, PARAMS
from aurl.audit.bundle.recompute import difference, opened, unpack, working_in
from aurl.audit.bundle.verdict import Verdict
from aurl.experiment.read import load_experiment
from aurl.pipeline.jobs import Job, Jobs
from aurl.pipeline.outputs import table_names
from aurl.pipeline.stages import STAGES
from aurl.system.errors import AurlError, one_line
from aurl.system.files import sha256_file
from aurl.system.plugins import no_parts_from_outside

LOCK = "requirements.lock"
Compare = Callable[[Path, Path], tuple[list[str], bool]]
REQUIRED = ("files", "chain", "code")


@dataclass(frozen=True)
class Outcome:
    """Hold what a rerun gave: lines to show, and whether all agrees."""

    lines: list[str]
    agrees: bool


def warning(verdict: Verdict, stage: str) -> str:
    """Say what a rerun will execute."""
    return (
        f"--rerun {stage} runs the code of {verdict.path} (commit {verdict.commit[:12]}, {verdict.signed}) and installs the"
        f" packages of its {LOCK}, as you, on this machine"
    )


def rerun(verdict: Verdict, stage: str, compare_metrics: Compare, cell: str | None = None, python: Path | None = None,
          show: Callable[[str], None] = print) -> Outcome:  # fmt: skip
    """Run the jobs of a stage again, with what follows up to metrics.csv, and compare.

    Args:
        stage: its name; or the name of a table: everything behind it, from the videos on.
        compare_metrics: says whether two files of metrics agree (`aurl.report.compare_files`).
        cell: only the jobs behind `variant,dataset[,seed]`.
        python: of an environment to use; None makes one from the bundle's lock. show: prints a line of progress.
    Raises: AurlError where the bundle's records do not agree, something is missing, or a job fails.
    """
    known = [*STAGES, *table_names()]
    if stage not in known:
        raise AurlError(f"--rerun {stage}: no such stage or table; known: {', '.join(known)}")
    failed = [name for name in REQUIRED if verdict.levels[name].verdict == "failed"]
    if failed:
        raise AurlError(f"{verdict.path}: nothing of it is run: {failed[0]} do not agree")
    container = Container(Path(verdict.path))
    with tempfile.TemporaryDirectory(prefix="aurl-rerun-") as name:
        folder = Path(name) / "repository"
        commit = parse_commit(container.json(COMMIT), COMMIT)
        unpack(container, folder)
        unpack_code(container, commit, folder)
        with working_in(folder), no_parts_from_outside():
            jobs = Jobs(load_experiment(Path(PARAMS)))
            chosen = jobs_to_run(jobs, stage, cell)
        recorded = set_aside(chosen, folder, Path(name) / "recorded")
        interpreter = environment(folder, Path(name) / "environment", show) if python is None else python.absolute()
        for number, job in enumerate(chosen, 1):
            show(f"{number}/{len(chosen)} {job.name}")
            run_command(interpreter, folder, job)
        return compare(chosen, folder, recorded, compare_metrics)


def jobs_to_run(jobs: Jobs, stage: str, cell: str | None) -> list[Job]:
    """List the jobs of a stage, those after it, and missing ones before it.

    Of a table they are all jobs behind it.

    Raises: AurlError if the experiment has no such job.
    """
    from aurl.audit.audit import select_jobs

    if stage not in STAGES:
        return select_jobs(jobs, stage, cell)
    every = [job for job in jobs.all() if job.stage.repeats]
    wanted = select_jobs(jobs, "metrics", cell)
    start = [
        job for job in (wanted if any(job.stage.name == stage for job in wanted) else every) if job.stage.name == stage
    ]
    if not start:
        raise AurlError(
            f"--rerun {stage}: the experiment has no job of this stage{' behind this cell' if cell else ''}"
        )
    chosen, changed = {job.block for job in start}, {path for job in start for path in job.made}
    for job in wanted:
        if changed & set(job.depends):
            chosen.add(job.block)
            changed |= set(job.made)
    makers = {path: job for job in every for path in job.made}
    for job in reversed(every):
        needed = {path for other in every if other.block in chosen for path in opened(other, makers)}
        if needed & {path for path in job.made if not path.exists()}:
            chosen.add(job.block)
    return [job for job in every if job.block in chosen]


def unpack_code(container: Container, commit: Commit, folder: Path) -> None:
    """Write the code of a bundle, with its links, none of which leaves the folder."""
    for name in container.names:
        target = folder / name.removeprefix(CODE)
        if name.startswith(CODE) and not target.exists():
            container.unpack(name, target)
    for path in commit.executable:
        if is_inside(Path(path)) and (folder / path).is_file():
            (folder / path).chmod(0o755)
    for path, goal in commit.links.items():
        link = folder / path
        if not is_inside(Path(path)) or not (link.parent / goal).resolve().is_relative_to(folder.resolve()):
            raise AurlError(f"{container.path}: {path}: a link that leaves the folder")
        link.symlink_to(goal)
    (folder / PARAMS).unlink(missing_ok=True)
    container.unpack(PARAMS, folder / PARAMS)


def set_aside(jobs: Sequence[Job], folder: Path, recorded: Path) -> Path:
    """Move what jobs made to another folder, so that they make it anew."""
    for path in (path for job in jobs for path in job.made):
        if (folder / path).exists():
            (recorded / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder / path, recorded / path)
    return recorded


def environment(folder: Path, target: Path, show: Callable[[str], None]) -> Path:
    """Make a virtual environment of the bundle's lock, and return its Python.

    Raises: AurlError where a package cannot be installed.
    """
    if not (folder / LOCK).is_file():
        raise AurlError(f"the bundle has no {LOCK}; name an environment with --python")
    show(f"making an environment of {LOCK} (minutes)")
    python = target / "bin/python"
    for command in ([sys.executable, "-m", "venv", str(target)],
                    [str(python), "-m", "pip", "install", "--quiet", "-r", str(folder / LOCK)]):  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise AurlError(f"no environment could be made ({one_line(done.stderr[-300:])}); name one with --python")
    return python


def run_command(python: Path, folder: Path, job: Job) -> None:
    """Run one job by its command.

    Raises: AurlError with the command's last line if it fails.
    """
    command = [str(python), "-m", "aurl.cli", job.stage.command, *arguments_of(job)]
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "AURL_PARAMS")}
    done = subprocess.run(command, cwd=folder, env=kept | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise AurlError(f"'{job.name}' failed: {one_line(last)}")


def arguments_of(job: Job) -> list[str]:
    """Write a job's wildcards as arguments of its command.

    A dataset has no option's name.
    """
    pairs = [[str(value)] if name == "dataset" else [f"--{name}", str(value)] for name, value in job.wildcards.items()]
    return [word for pair in pairs for word in pair]


def compare(jobs: Sequence[Job], folder: Path, recorded: Path, compare_metrics: Compare) -> Outcome:
    """Compare what jobs made now with what the bundle holds.

    Byte by byte, and metrics.csv by the rule of `aurl compare`.
    """
    lines, equal, others, absent = [], 0, 0, 0
    for path in (path for job in jobs for path in job.made):
        new, old = folder / path, recorded / path
        if not old.exists():
            absent += 1
        elif old.is_dir() or sha256_file(new) == sha256_file(old):
            equal += 1
        else:
            others += 1
            lines.append(f"{path.as_posix()}: {difference(old, new) or 'equal up to rounding'}")
    lines = lines[:20]
    lines.append(f"{equal} of {equal + others} results have equal bytes; {absent} more are not in the bundle")
    metrics = next((path for job in jobs if job.stage.name == "collect" for path in job.made), None)
    if metrics is None:
        return Outcome(lines, not any(": equal up to rounding" not in line for line in lines[:-1]))
    said, agrees = compare_metrics(recorded / metrics, folder / metrics)
    return Outcome([*lines, *said], agrees)

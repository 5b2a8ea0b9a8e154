"""Compute results anew from a bundle with the installed version, and compare.

Nothing of the bundle is executed. Which jobs can be made again follows from the declarations: those that an audit
recomputes, whose inputs and outputs are all here.
"""

import contextlib
import math
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from aurl.audit.bundle.container import Container
from aurl.audit.bundle.contents import CHOICES, CODE, INPUTS, is_inside
from aurl.audit.bundle.verdict import Level, Unchecked
from aurl.lineage.blocks import Block, package_versions
from aurl.pipeline.jobs import Job
from aurl.pipeline.run import device_of, run_job
from aurl.system.errors import AurlError, one_line

LEVEL_OF = {"deep": "metrics", "always": "tables"}  # by when an audit recomputes a stage
PICTURES = {".svg", ".png", ".pdf"}
RUNNABLE = {".py", ".pyc", ".pyd", ".so", ".pth", ".egg", ".zip", ".whl", ".dll", ".dylib", ""}
ROUNDING = 2e-6  # of a number in a table; six decimals, as `aurl compare` allows
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
MOST_REPEATS, MOST_RESAMPLES = 20_000, 200_000  # more draws, clips, shards or resamples would only keep one busy


def unpack(container: Container, folder: Path) -> None:
    """Write results, shipped data and the user's files as a repository has them.

    Code stays in the bundle, and so does whatever Python could import.
    """
    for name in container.names:
        target = _target(name)
        if target is not None and Path(target).suffix not in RUNNABLE:
            container.unpack(name, folder / target)


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Work in a folder, from which nothing can be imported."""
    path = list(sys.path)
    sys.path[:] = [os.path.abspath(entry) if entry else os.getcwd() for entry in path]
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.path[:] = path


def recompute(jobs: Sequence[Job], blocks: Mapping[str, Block], levels: Mapping[str, Level]) -> None:
    """Do every job that can be done from the working folder, and compare."""
    import torch

    torch.set_num_threads(1)  # as Snakemake's jobs have it: the order of sums decides the last digits
    makers = {path: job for job in jobs for path in job.made}
    for job in jobs:
        level = levels.get(_level_of(job))
        block = blocks.get(job.block.as_posix())
        if level is None or block is None:
            continue
        if needs := _needs(job, block, makers):
            level.unchecked.append(Unchecked(job.name, needs))
            continue
        level.checked += 1
        _repeat(job, block, level)


def largest_repeats(settings: object) -> int:
    """Return the largest whole number in settings, such as a number of draws."""
    if isinstance(settings, Mapping):
        return max(map(largest_repeats, settings.values()), default=0)
    if isinstance(settings, list):
        return max(map(largest_repeats, settings), default=0)
    return settings if isinstance(settings, int) else 0


def difference(one: Path, other: Path) -> str | None:
    """Say how two files differ.

    None where their bytes are equal, or their numbers up to rounding.

    Another processor or library rounds the last digits differently.
    """
    first, second = one.read_bytes(), other.read_bytes()
    if first == second:
        return None
    if one.suffix == ".safetensors":
        return _difference_of_tensors(one, other)
    try:
        texts = first.decode(), second.decode()
    except UnicodeDecodeError:
        return "other bytes"
    if NUMBER.sub("#", texts[0]) != NUMBER.sub("#", texts[1]):
        return "other text"
    for old, new in zip(*map(NUMBER.findall, texts), strict=True):
        if not math.isclose(float(old), float(new), rel_tol=1e-6, abs_tol=ROUNDING):
            return f"{old} is {new} when it is computed again"
    return None


def _difference_of_tensors(one: Path, other: Path) -> str | None:
    import torch
    from safetensors import safe_open

    with safe_open(one, "pt") as first, safe_open(other, "pt") as second:
        if first.metadata() != second.metadata() or set(first.keys()) != set(second.keys()):
            return "other names"
        for name in first.keys():  # noqa: SIM118 (not a mapping)
            old, new = first.get_tensor(name), second.get_tensor(name)
            if old.shape != new.shape or old.dtype != new.dtype:
                return f"'{name}' has another shape"
            if not torch.allclose(old.double(), new.double(), rtol=1e-5, atol=1e-6):
                return f"'{name}' has other values"
    return None


def _level_of(job: Job) -> str:
    """Name the level that a job belongs to.

    Stages with settings of a device run a network.
    """
    if job.stage.recompute == "deep" and (job.stage.compute or _draws(job)):
        return "features"
    return LEVEL_OF.get(job.stage.recompute, "")


def _draws(job: Job) -> bool:
    return any(path.suffix in PICTURES for path in job.made)


def opened(job: Job, makers: Mapping[Path, Job]) -> list[Path]:
    """List the files that a job opens.

    Its inputs, and the frames behind an index where a network or a figure sees them.
    """
    paths = list(job.inputs.paths())
    if job.stage.compute is not None or _draws(job):
        indexes = [makers[path] for path in paths if path in makers and makers[path].stage.name == "frames_index"]
        paths += [path for index in indexes for path in index.depends]
    return paths


def _needs(job: Job, block: Block, makers: Mapping[Path, Job]) -> str | None:
    """Say what is needed to make a job again; None where all is here."""
    missing = [path for path in opened(job, makers) if not (is_inside(path) and path.is_file())]
    if missing:
        choices = {CHOICES[name] for path in missing for name in _choices_of(path)}
        return " ".join(f"--with {name}" for name in sorted(choices)) if choices else f"{missing[0]}"
    if any(not path.is_file() for path in job.made):
        return "its own outputs, which are not in the bundle"
    if _draws(job):
        return "the same fonts and drawing library; 'aurl audit --deep' draws them again"
    if block.identity.device != "cpu":
        return f"a {block.identity.device} device: it was made on one"
    return None


def _choices_of(path: Path) -> list[str]:
    from aurl.pipeline.paths import TEMPLATES

    parts = path.parts
    return [name for name in CHOICES if len(parts) > 2 and TEMPLATES[name].split("/")[0] == parts[2]]


def _repeat(job: Job, block: Block, level: Level) -> None:
    with tempfile.TemporaryDirectory(prefix="aurl-verify-") as elsewhere:
        repeated = job.elsewhere(Path(elsewhere))
        try:
            if job.stage.compute is not None:
                from aurl.experiment.settings import Experiment

                device_of(job, Experiment.model_validate(job.experiment))
            with contextlib.redirect_stderr(open(os.devnull, "w")):
                run_job(repeated)
        except Exception as error:  # a hostile file may make a stage raise anything
            reason = one_line(error) if isinstance(error, AurlError) else one_line(f"{type(error).__name__}: {error}")
            level.add("forged", job.made[0].as_posix(), f"cannot be made from its inputs ({reason})")
            return
        for path, copy in zip(job.made, repeated.made, strict=True):
            if differs := difference(path, copy):
                level.add(
                    "forged",
                    path.as_posix(),
                    f"made again from its inputs, it differs: {differs}{_versions(job, block)}",
                )


def _versions(job: Job, block: Block) -> str:
    """Name the libraries that were of another version when the result was made."""
    here, there = package_versions(job.packages), block.identity.packages
    others = [f"{name} {here[name]}" for name in sorted(here.keys() & there.keys()) if here[name] != there[name]]
    return f" (here with {', '.join(others)})" if others else ""


def _target(name: str) -> str | None:
    """Return where a file of the bundle belongs in a working folder.

    None for what is not unpacked.
    """
    if name.startswith("results/") and "/provenance/" not in name:
        return name
    if name.startswith(f"{CODE}data/"):
        return name.removeprefix(CODE)
    return name.removeprefix(INPUTS) if name.startswith(INPUTS) else None

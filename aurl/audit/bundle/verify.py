"""Verify a bundle with the installed version alone.

No DVC, no git, no params.yaml, and nothing of it is executed.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from aurl.audit.audit import select_jobs
from aurl.audit.bundle.cards import FOLDER, cards
from aurl.audit.bundle.chain import Chain, check_code, check_files, check_lock, differing_code
from aurl.audit.bundle.commit import Commit, parse_commit
from aurl.audit.bundle.container import METADATA, SIGNATURE, Container, Held
from aurl.audit.bundle.contents import data_files
from aurl.audit.bundle.crate import declared_files
from aurl.audit.bundle.croissant import CROISSANT, croissant, tables_of
from aurl.audit.bundle.lists import CLASSES, SPLITS, class_list, split_list
from aurl.audit.bundle.make import COMMIT, LOCKED, PARAMS
from aurl.audit.bundle.recompute import MOST_REPEATS, MOST_RESAMPLES, largest_repeats, recompute, unpack, working_in
from aurl.audit.bundle.records import read_blocks
from aurl.audit.bundle.signature import signer
from aurl.audit.bundle.verdict import Level, Unchecked, Verdict
from aurl.audit.report import value_text
from aurl.experiment.read import load_experiment
from aurl.experiment.settings import Experiment
from aurl.lineage.blocks import Block, digests_by_code
from aurl.pipeline.jobs import Job, Jobs
from aurl.system.errors import AurlError, one_line
from aurl.system.files import sha256_file
from aurl.system.plugins import no_parts_from_outside
from aurl.system.shipped import packaged


def verify(path: Path, cell: str | None = None, signers: Path | None = None, quick: bool = False) -> Verdict:
    """Verify a bundle.

    Args:
        quick: compute nothing again: files, chain, code and splits only.
        cell: `variant,dataset[,seed]`: only what stands behind it, and its chain.
        signers: a file of allowed signers, as `ssh-keygen` and git read it.
    Raises: AurlError if the file is no bundle, could do harm, or cannot be read by this version.
    """
    container = Container(path)
    metadata = container.read(METADATA)
    declared = _declared(container)
    commit = parse_commit(container.json(COMMIT), f"{path}: {COMMIT}")
    with tempfile.TemporaryDirectory(prefix="aurl-verify-") as name:
        folder = Path(name)
        experiment = _experiment(container, folder)
        signature = container.read(SIGNATURE) if SIGNATURE in container else None
        verdict = Verdict(
            str(path), container.held(METADATA).sha256, experiment.experiment, commit.name,
            signer(metadata, signature, signers),
        )  # fmt: skip
        check_files(container, declared, verdict.levels["files"])
        with no_parts_from_outside():
            _check(container, experiment, commit, verdict, folder, cell, quick)
    container.close()
    return verdict


def _check(container: Container, experiment: Experiment, commit: Commit, verdict: Verdict, folder: Path,
           cell: str | None, quick: bool) -> None:  # fmt: skip
    """Check everything behind the files, in the order of the levels."""
    levels = verdict.levels
    unpack(container, folder)
    with working_in(folder):
        jobs = Jobs(experiment)
        blocks = read_blocks(container, f"{jobs.paths.root.as_posix()}/provenance/")
        every = [job for job in jobs.all() if job.stage.repeats]
        chosen = every if cell is None else select_jobs(jobs, "metrics", cell)
        chain = Chain(container, blocks, levels["chain"])
        chain.check(chosen, folder)
        chain.check_foreign(every, f"{jobs.paths.root.as_posix()}/")
        check_code(container, blocks, commit, levels["code"])
        if LOCKED in container:
            check_lock(container, LOCKED, levels["chain"])
        _check_lists(container, jobs, levels["splits"])
        _check_croissant(container, jobs, commit, levels["splits"])
        if not quick:
            _check_cards(container, jobs, levels["tables"])
            recompute(chosen, blocks, levels)
        installed = {name: sha256_file(packaged(Path(name))) for name in data_files(blocks.values())
                     if packaged(Path(name)).is_file()}  # fmt: skip
        verdict.differing = differing_code(chosen, blocks, digests_by_code(chosen), installed)
        if cell is not None:
            verdict.chain = chain_lines(container, chosen, blocks)


def chain_lines(container: Container, jobs: list[Job], blocks: Mapping[str, Block]) -> list[str]:
    """Write the chain behind a cell.

    Each job with its outputs, parameters and code, from the videos on.
    """
    lines = []
    for job in jobs:
        block = blocks.get(job.block.as_posix())
        if block is None:
            continue
        lines.append(job.name)
        for path in map(Path.as_posix, job.made):
            here = "" if path in container or _is_folder(container, path) else "  (not in the bundle)"
            lines.append(f"    {block.outputs.get(path, '?')[:16]}  {path}{here}")
        settings, code = block.identity.settings, block.identity.code
        same = {key: value for key, value in job.values.items() if settings.get(key) == value}  # in its own order
        lines += [f"    {key} = {value_text((settings | same).get(key))}" for key in job.values]
        lines += [f"    {digest[:16]}  {path} (code)" for path, digest in sorted(code.items())]
    return lines


def _check_lists(container: Container, jobs: Jobs, level: Level) -> None:
    """Draw every split again, and count the classes again."""
    for name, make in ((CLASSES, class_list), (SPLITS, split_list)):
        try:
            expected = make(jobs).decode().splitlines()
        except (AurlError, OSError) as error:
            level.unchecked.append(Unchecked(name, f"the class embeddings ({one_line(error)})"))
            continue
        held = container.read(name).decode(errors="replace").splitlines()
        level.checked += len(expected) - 1
        for line in sorted(set(held) ^ set(expected))[:3] or ["another order"] * (held != expected):
            level.add("forged", f"{name}: {line}", "not what follows from the classes and the seeds")


def _check_croissant(container: Container, jobs: Jobs, commit: Commit, level: Level) -> None:
    """Describe the lists again."""
    names = [name for name in tables_of(jobs) if name in container]
    files = {name: container.read(name) for name in names}
    level.checked += 1
    if container.read(CROISSANT) != croissant(
        jobs, files, {name: container.held(name) for name in names}, (commit.name, commit.date)
    ):
        level.add("forged", CROISSANT, "not the description of the lists in this bundle")


def _check_cards(container: Container, jobs: Jobs, level: Level) -> None:
    """Write the result cards anew."""
    try:
        expected = cards(jobs)
    except Exception as error:  # a hostile file may make it raise anything
        level.add("forged", jobs.paths.of("metrics_csv").as_posix(), f"no table of metrics ({one_line(error)})")
        return
    for name in sorted({*expected, *(name for name in container.names if name.startswith(FOLDER))}):
        level.checked += 1
        if name not in container or container.read(name) != expected.get(name):
            level.add("forged", name, "not the card that follows from metrics.csv")


def _experiment(container: Container, folder: Path) -> Experiment:
    """Read params.yaml of the bundle.

    Raises: AurlError, also where this version does not know its keys.
    """
    container.unpack(PARAMS, folder / PARAMS)
    try:
        with no_parts_from_outside():
            experiment = load_experiment(folder / PARAMS)
    except AurlError as error:
        reason = str(error).replace(str(folder / PARAMS), f"{container.path}: {PARAMS}")
        raise AurlError(f"{reason}; install the version that made the bundle (commit.json names its commit)") from None
    evaluation = experiment.evaluation.model_dump(mode="json")
    largest = largest_repeats({key: evaluation[key] for key in ("protocols", "clips")})
    shards = max((dataset.shards for dataset in experiment.datasets.values()), default=0)
    if max(largest, shards) > MOST_REPEATS or experiment.evaluation.statistics.resamples > MOST_RESAMPLES:
        raise AurlError(f"{container.path}: {PARAMS}: more than {MOST_REPEATS:,} repetitions or shards; not computed")
    return experiment


def _declared(container: Container) -> dict[str, Held]:
    try:
        return declared_files(container.json(METADATA))
    except ValueError as error:
        raise AurlError(f"{container.path}: {METADATA}: {one_line(error)}; it is not one of 'aurl bundle'") from None


def _is_folder(container: Container, path: str) -> bool:
    return any(name.startswith(f"{path}/") for name in container.names)

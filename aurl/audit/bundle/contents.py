"""Choose the files of a bundle, and check that their jobs made them.

Which artefacts there are follows from the stages' declarations. Names in the bundle: `results/...` as on disk, `code/...`
for the files of the commit, `inputs/...` for files that the experiment names outside of both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from aurl.audit.bundle.records import block_record
from aurl.lineage.blocks import Block, block_or_none
from aurl.pipeline.jobs import Job, Jobs
from aurl.system.digests import Digests
from aurl.system.errors import AurlError
from aurl.system.files import files_below

CHOICES = {
    "checkpoint": "checkpoints",
    "features": "features",
    "shard": "frames",
    "shard_index": "frames",
    "videos": "videos",
}
LARGE = tuple(dict.fromkeys(CHOICES.values()))  # every other artefact is always there
MOST_FEATURES = 2 << 30  # bytes; larger features are left out unless asked for
MOST_INPUT = 256 << 20  # bytes of a file of the user's own, such as scores of another method
CODE, INPUTS = "code/", "inputs/"


@dataclass
class Contents:
    """Hold the files and blocks of a bundle by name, and the bytes left out by choice."""

    files: dict[str, Path] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    def records(self) -> dict[str, dict[str, object]]:
        """Map the name of each block's file to what the bundle holds of it."""
        return {name: block_record(block) for name, block in self.blocks.items()}


def gather(jobs: Jobs, chosen: Iterable[str], digests: Digests) -> Contents:
    """Gather the results of an experiment.

    Args:
        chosen: names of `LARGE` to hold.
    Raises: AurlError where a result is missing, damaged, or was made with other parameters.
    """
    contents, wanted = Contents(), set(chosen)
    makers = jobs.makers()
    for job in jobs.all():
        if not job.stage.repeats:
            continue  # the page holds times
        block = _block_of(job)
        contents.blocks[job.block.as_posix()] = block
        for name, path in job.outputs.items():
            choice = CHOICES.get(name)
            if choice is None or choice in wanted:
                _add_checked(contents, path, block, digests)
            else:
                contents.left_out[choice] = contents.left_out.get(choice, 0) + _size(path)
        for path in _outside_inputs(job, makers):
            contents.files[INPUTS + path.as_posix()] = path
    return contents


def choose(jobs: Jobs, asked: Iterable[str], without_features: bool = False) -> list[str]:
    """Choose the large artefacts of a bundle.

    Those that were asked for, and features where they fit.
    """
    chosen = list(dict.fromkeys(asked))
    size = sum(_size(path) for job in jobs.all() for name, path in job.outputs.items() if name == "features")
    if not without_features and "features" not in chosen and size <= MOST_FEATURES:
        chosen.append("features")
    return chosen


def is_inside(path: Path) -> bool:
    """Say whether a path lies below the working folder, without `..`."""
    return not path.is_absolute() and ".." not in path.parts


def data_files(blocks: Iterable[Block]) -> list[str]:
    """List the shipped data files that jobs read, sorted."""
    inputs = {path for block in blocks for path in block.identity.inputs}
    return sorted(path for path in inputs if PurePosixPath(path).parts[0] == "data")


def check_code(blocks: Iterable[Block], files: Mapping[str, str]) -> None:
    """Check that the commit holds the code and shipped data of the results.

    Args:
        files: path -> SHA-256 of the commit's files.
    Raises: AurlError for the first that differs.
    """
    for block in blocks:
        data = {path: block.identity.inputs[path] for path in data_files([block])}
        for path, sha256 in {**block.identity.code, **data}.items():
            if files.get(path) != sha256:
                known = "in another version" if path in files else "not"
                raise AurlError(
                    f"{path}: '{block.name}' was made with it, and git's last commit has it {known};"
                    " commit it, or run 'snakemake' with the committed one"
                )


def _outside_inputs(job: Job, makers: Mapping[Path, Job]) -> list[Path]:
    """List the user's own files that a job is recomputed from, such as scores."""
    if job.stage.recompute not in ("always", "deep"):
        return []
    paths = [path for path in job.inputs.paths() if path not in makers and is_inside(path) and path.parts[0] != "data"]
    return [path for path in paths if path.is_file() and path.stat().st_size <= MOST_INPUT]


def _block_of(job: Job) -> Block:
    block = block_or_none(job.block)
    if block is None or dict(block.identity.settings) != dict(job.values):
        raise AurlError(f"{job.made[0]}: not made yet, or with other parameters than params.yaml's; run 'snakemake'")
    return block


def _add_checked(contents: Contents, path: Path, block: Block, digests: Digests) -> None:
    if not path.exists():
        raise AurlError(f"{path}: missing; 'snakemake' makes it, 'aurl sync' fetches it")
    if digests.of(path).sha256 != block.outputs.get(path.as_posix()):
        raise AurlError(f"{path}: not what its job made; see 'aurl audit --all', or delete it and run 'snakemake'")
    for file in files_below(path) if path.is_dir() else [path]:
        contents.files[file.as_posix()] = file


def _size(path: Path) -> int:
    files = files_below(path) if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())

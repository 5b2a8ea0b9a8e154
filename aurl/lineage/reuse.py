"""Take over what an equal job of another experiment made.

Equal identities on one kind of CPU give equal bytes, so the preset `methods` trains no network that `mini` has trained.
Only a result that is not there yet is taken over: `aurl rerun` and `snakemake --force` always do the work.
"""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from aurl.lineage.blocks import Block, Identity, block_or_none
from aurl.lineage.machine import cpu_model
from aurl.pipeline.jobs import Job
from aurl.system.files import digest, replacing
from aurl.system.json_files import write_json


def take_over(job: Job, identity: Identity) -> str | None:
    """Link the outputs of an equal job of another experiment, and write the block.

    Returns: the other experiment's name; None if there is no such job, or this one has outputs already.
    """
    if any(path.exists() for path in job.made):
        return None
    wanted = _text(identity, job.root)
    for other in sorted(path for path in job.root.parent.glob("*") if path.is_dir() and path != job.root):
        block = block_or_none(other / job.block.relative_to(job.root))
        if block is not None and _text(block.identity, other) == wanted and _usable(job, block, other):
            _link(job, other)
            outputs = {path.as_posix(): block.outputs[_place(path, job.root, other).as_posix()] for path in job.made}
            origin = block.circumstance | {"taken_from": other.name}
            write_json(job.block, {"identity": asdict(identity), "outputs": outputs, "circumstance": origin})
            return other.name
    return None


def _text(identity: Identity, root: Path) -> str:
    """Write an identity without the name of its experiment."""
    inputs = {_without(path, root): sha256 for path, sha256 in identity.inputs.items()}
    return json.dumps(asdict(identity) | {"inputs": inputs}, sort_keys=True)


def _without(path: str, root: Path) -> str:
    return path.removeprefix(f"{root.as_posix()}/")


def _place(path: Path, root: Path, other: Path) -> Path:
    return other / path.relative_to(root)


def _usable(job: Job, block: Block, other: Path) -> bool:
    """Say whether the outputs are there, undamaged, and of this kind of CPU."""
    if block.circumstance.get("cpu") != cpu_model():
        return False
    places = [_place(path, job.root, other) for path in job.made]
    return all(path.exists() and block.outputs.get(path.as_posix()) == digest(path) for path in places)


def _link(job: Job, other: Path) -> None:
    """Give the files second names, or copy them where the file system has no links."""
    with replacing(*job.made) as temporaries:
        for path, temporary in zip(job.made, temporaries, strict=True):
            source = _place(path, job.root, other)
            if source.is_dir():
                shutil.copytree(source, temporary, copy_function=_link_file)
            else:
                _link_file(str(source), str(temporary))


def _link_file(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)

"""Check a bundle's records against its files and against each other.

Blocks, code, commit and dvc.lock.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aurl.audit.bundle.commit import Commit, commit_problem, object_name
from aurl.audit.bundle.container import METADATA, SIGNATURE, Container, Held
from aurl.audit.bundle.contents import CHOICES, CODE, INPUTS
from aurl.audit.bundle.records import makers_of
from aurl.audit.bundle.verdict import Level, Unchecked
from aurl.datasets.table import iterate_table
from aurl.lineage.blocks import Block, differing_keys
from aurl.pipeline.jobs import Job
from aurl.pipeline.run import seeds_of
from aurl.system.errors import AurlError


def check_files(container: Container, declared: Mapping[str, Held], level: Level) -> None:
    """Compare every file, but for the metadata and signature, with the metadata."""
    names = [name for name in container.names if name not in (METADATA, SIGNATURE)]
    for name in names:
        if name not in declared:
            level.add("unrecorded", name, "the metadata do not name it")
        elif container.held(name) != declared[name]:
            level.add("changed", name, f"the metadata state SHA-256 {declared[name].sha256[:12]},"
                                       f" it has {container.held(name).sha256[:12]}")  # fmt: skip
        level.checked += 1
    for name in sorted(set(declared) - set(names)):
        level.add("missing", name, "the metadata name it, and it is not in the bundle")


class Chain:
    """Checks the blocks of a bundle.

    Each against its files, its inputs, and what the experiment declares.
    """

    def __init__(self, container: Container, blocks: Mapping[str, Block], level: Level) -> None:
        self.container, self.blocks, self.level = container, blocks, level
        self.makers = makers_of(blocks)

    def check(self, jobs: Sequence[Job], folder: Path) -> None:
        """Check the blocks of jobs, in order.

        Args:
            folder: of the unpacked files.
        """
        for job in jobs:
            self.level.checked += 1
            block = self.blocks.get(job.block.as_posix())
            if block is None:
                self.level.add("missing", job.block.as_posix(), "no provenance block of this job")
                continue
            self._declared(job, block)
            self._outputs(job, block)
            self._inputs(block)
            self._videos(job, block, folder)

    def check_foreign(self, jobs: Iterable[Job], results: str) -> None:
        """Find blocks of no job, and results of no block."""
        expected = {job.block.as_posix() for job in jobs}
        outputs = [path for block in self.blocks.values() for path in block.outputs]
        for name in self.container.names:
            if name in self.blocks:
                if name not in expected:
                    self.level.add("unrecorded", name, "a block of a job that the experiment does not have")
            elif name.startswith("results/"):
                own = name in self.makers or any(name.startswith(f"{path}/") for path in outputs)
                if not name.startswith(results) or not own:
                    self.level.add("unrecorded", name, "no job made it")

    def _declared(self, job: Job, block: Block) -> None:
        """Compare a block with what the experiment declares for its job."""
        name, identity = job.block.as_posix(), block.identity
        if (identity.stage, identity.wildcards) != (job.stage.name, job.wildcards):
            self.level.add("broken link", name, f"describes {block.name}")
        if set(block.outputs) != {path.as_posix() for path in job.made}:
            self.level.add("broken link", name, "names other outputs than the stage has")
        own = [{path for path in paths if path.startswith("results/")}
               for paths in (identity.inputs, map(Path.as_posix, job.depends))]  # fmt: skip
        if own[0] != own[1] or len(identity.inputs) != len(job.depends):
            self.level.add("broken link", name, "names other inputs than the stage has")
        for key in differing_keys(job.values, identity.settings):
            self.level.add("stale parameters", f"{name}: {key}", "made with another value than params.yaml has")
        if identity.seeds != seeds_of(job):
            self.level.add("forged", name, "its seeds do not follow from the experiment's")

    def _outputs(self, job: Job, block: Block) -> None:
        for name, output in job.outputs.items():
            path = output.as_posix()
            held, recorded = self._held(path), block.outputs.get(path)
            if held is None and name not in CHOICES:
                self.level.add("missing", path, "a job made it, and it is not in the bundle")
            elif held is not None and recorded is not None and held != recorded:
                self.level.add("changed", path, f"its provenance block says {recorded[:12]}, it has {held[:12]}")

    def _inputs(self, block: Block) -> None:
        for path, recorded in block.identity.inputs.items():
            maker = self.makers.get(path)
            if maker is not None:
                if maker.outputs[path] != recorded:
                    reason = "it was made from other contents than this input's own block records"
                    self.level.add("broken link", f"{block.name}: {path}", reason)
            elif path.startswith("results/"):
                self.level.add("broken link", f"{block.name}: {path}", "no job of the bundle made this input")
            elif (held := self._outside(path)) is None:
                needs = "the file itself, which is not in the bundle"
                self.level.unchecked.append(Unchecked(f"{block.name}: {path}", needs))
            elif held != recorded:
                self.level.add("changed", path, f"'{block.name}' was made from other contents of this file")

    def _videos(self, job: Job, block: Block, folder: Path) -> None:
        """Compare the digest of a folder of videos with the list of their digests."""
        if job.stage.name != "ingest" or job.outputs.videos.as_posix() not in block.outputs:
            return
        videos, listing = job.outputs.videos.as_posix(), folder / job.outputs.listing
        source = job.settings["datasets.{dataset}.source"]
        if not listing.is_file() or not (source.render is not None or source.versioned):
            return  # the videos stay in a folder of their own, which the block does not hold
        try:
            rows = sorted((row["path"], row["sha256"]) for row in iterate_table(listing, ("path", "class", "sha256")))
        except AurlError as error:
            self.level.add("changed", job.outputs.listing.as_posix(), str(error))
            return
        text = "".join(f"{sha256}  {path}\n" for path, sha256 in rows)
        if hashlib.sha256(text.encode()).hexdigest() != block.outputs[videos]:
            self.level.add("changed", job.outputs.listing.as_posix(), "the videos that its job made have other digests")

    def _outside(self, path: str) -> str | None:
        """Return the SHA-256 of an input that no job makes, where the bundle holds it."""
        places = [name for name in (f"{CODE}{path}", f"{INPUTS}{path}") if name in self.container]
        return self.container.held(places[0]).sha256 if places else None

    def _held(self, path: str) -> str | None:
        """Return the SHA-256 of a file or folder of results, where the bundle holds it."""
        if path in self.container:
            return self.container.held(path).sha256
        inside = [name for name in self.container.names if name.startswith(f"{path}/")]
        if not inside:
            return None
        lines = [f"{self.container.held(name).sha256}  {name.removeprefix(f'{path}/')}\n" for name in inside]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def check_code(container: Container, blocks: Mapping[str, Block], commit: Commit, level: Level) -> None:
    """Compare the code of the blocks with the bundle's, and that with its commit."""
    for name, block in blocks.items():
        for path, recorded in block.identity.code.items():
            held = container.held(f"{CODE}{path}").sha256 if f"{CODE}{path}" in container else None
            if held != recorded:
                reason = "was made with another version of this file" if held else "is not in the bundle"
                level.add("stale code", f"{name}: {path}", reason)
    names = [name for name in container.names if name.startswith(CODE)]
    level.checked += len(names)
    blobs = {name.removeprefix(CODE): object_name("blob", container.read(name, 1 << 30)) for name in names}
    if problem := commit_problem(commit, blobs):
        level.add("changed", "commit.json", problem)


def differing_code(jobs: Iterable[Job], blocks: Mapping[str, Block], installed: Mapping[tuple[str, ...], dict[str, str]],
                   data: Mapping[str, str]) -> dict[str, list[str]]:  # fmt: skip
    """Map each stage to its files that differ in the installed version.

    Args:
        installed: code of a job -> digests. data: shipped data file -> digest of the installed one.
    """
    differing: dict[str, set[str]] = {}
    for job in jobs:
        block = blocks.get(job.block.as_posix())
        if block is None:
            continue
        inputs = {path: digest for path, digest in block.identity.inputs.items() if path in data}
        files = [*differing_keys(installed[job.code], block.identity.code),
                 *(path for path, digest in inputs.items() if data[path] != digest)]  # fmt: skip
        differing.setdefault(job.stage.name, set()).update(files)
    return {stage: sorted(files) for stage, files in differing.items() if files}


def check_lock(container: Container, name: str, level: Level) -> None:
    """Compare the outputs that dvc.lock records with the bundle's files, by MD5."""
    for stage, md5s in _locked(container.json(name)):
        for path, md5 in md5s.items():
            if path in container:
                level.checked += 1
                content = container.read(path, 1 << 40)
                if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
                    level.add("changed", f"dvc.lock: {stage}: {path}", "recorded with other contents")


def _locked(raw: Any) -> Iterator[tuple[str, dict[str, str]]]:
    stages = raw.get("stages") if isinstance(raw, dict) else None
    if not isinstance(stages, dict):
        raise AurlError("dvc.lock: no stages in it")
    for name, stage in stages.items():
        outs = stage.get("outs", []) if isinstance(stage, dict) else []
        rows = [out for out in outs if isinstance(out, dict) and isinstance(out.get("path"), str)]
        yield name, {row["path"]: str(row.get("md5")) for row in rows}

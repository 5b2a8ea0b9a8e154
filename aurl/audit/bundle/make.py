"""Make a bundle of a finished experiment."""

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from aurl.audit.bundle.cards import cards
from aurl.audit.bundle.commit import Commit, as_json, read_commit
from aurl.audit.bundle.container import METADATA, SIGNATURE, Held, write_bundle
from aurl.audit.bundle.contents import CODE, Contents, check_code, choose, gather
from aurl.audit.bundle.crate import crate
from aurl.audit.bundle.croissant import CROISSANT, croissant
from aurl.audit.bundle.lists import CLASSES, SPLITS, class_list, split_list
from aurl.lineage.dvc_lock import LOCK
from aurl.pipeline.jobs import Jobs
from aurl.system.digests import Digests
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file
from aurl.system.text_files import MOST_BYTES

COMMIT, PARAMS, LOCKED = "commit.json", "params.yaml", "dvc.lock"
Content = bytes | Path


def make_bundle(jobs: Jobs, output: Path, asked: Iterable[str] = (), without_features: bool = False,
                key: Path | None = None) -> Iterator[str]:  # fmt: skip
    """Write the bundle, and say what it holds.

    Equal results at one commit give equal bytes.

    Args:
        asked: large artefacts to hold (`contents.LARGE`). key: an SSH key to sign with.
    Raises: AurlError where a result is missing or damaged, or its code is not committed.
    """
    chosen = choose(jobs, asked, without_features)
    digests = Digests()
    contents = gather(jobs, chosen, digests)
    commit, code = read_commit()
    check_code(contents.blocks.values(), {path: hashlib.sha256(content).hexdigest() for path, content in code.items()})
    files = bundle_files(jobs, contents, commit, code, digests)
    held, named = {name: held_of(each) for name, each in files.items()}, (commit.name, commit.date)
    files[CROISSANT] = croissant(jobs, files, held, named)
    held[CROISSANT] = held_of(files[CROISSANT])
    experiment = jobs.experiment
    snakemake = importlib.metadata.version("snakemake")
    metadata = crate(experiment.experiment, experiment.report.title, held, named, snakemake)
    signed = {}
    if key is not None:
        from aurl.audit.bundle.signature import sign

        signed[SIGNATURE] = sign(metadata, key)
    write_bundle(output, {**files, METADATA: metadata, **signed})
    yield from described(output, contents, chosen, commit, len(files) + 1)


def bundle_files(
    jobs: Jobs, contents: Contents, commit: Commit, code: Mapping[str, bytes], digests: Digests
) -> dict[str, Content]:
    """List all files of the bundle but its metadata: name -> contents or file."""
    files: dict[str, Content] = {f"{CODE}{path}": content for path, content in code.items()}
    files |= contents.files
    files |= {name: json_bytes(record) for name, record in contents.records().items()}
    files |= {COMMIT: as_json(commit), PARAMS: params_bytes(jobs), CLASSES: class_list(jobs), SPLITS: split_list(jobs)}
    files |= cards(jobs)
    lock = recorded_stages(jobs.experiment.experiment)
    if lock:
        check_recorded(lock, contents.files, digests)
        files[LOCKED] = json_bytes({"schema": "2.0", "stages": lock})
    return files


def recorded_stages(experiment: str, path: Path = LOCK) -> dict[str, Any]:
    """Read an experiment's stages from dvc.lock, without outputs that hold times."""
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        return {}
    raw = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}  # nosec B506
    stages = {name: stage for name, stage in raw.get("stages", {}).items()
              if f"{name.partition('@')[2]}-".startswith(f"{experiment}-")}  # fmt: skip
    kept = {}
    for name, stage in stages.items():
        outs = [out for out in stage.get("outs", []) if not _holds_times(out["path"])]
        deps = [dep for dep in stage.get("deps", []) if not _holds_times(dep["path"])]
        if outs:
            kept[name] = stage | {"deps": deps, "outs": outs}
    return kept


def check_recorded(lock: Mapping[str, Any], files: Mapping[str, Path], digests: Digests) -> None:
    """Check that dvc.lock, where it records an experiment, records the present results. Raises: AurlError."""
    outs = {out["path"]: out.get("md5") for stage in lock.values() for out in stage["outs"]}
    for path, md5 in outs.items():
        if path in files and digests.of(files[path]).md5 != md5:
            raise AurlError(f"{path}: dvc.lock records other contents; run 'aurl record'")


def described(output: Path, contents: Contents, chosen: list[str], commit: Commit, files: int) -> Iterator[str]:
    """Say what a bundle holds and what it leaves out."""
    size = output.stat().st_size
    yield f"{output}: {files:,} files, {size / 1e6:.1f} MB, SHA-256 {sha256_file(output)}"
    yield f"commit {commit.name[:12]}; {len(contents.blocks)} jobs; with {', '.join(chosen) or 'no large artefacts'}"
    for choice, left in contents.left_out.items():
        yield f"left out: {choice}, {left / 1e6:.1f} MB (--with {choice})"


def params_bytes(jobs: Jobs) -> bytes:
    """Write the checked experiment as YAML."""
    return yaml.safe_dump(jobs.experiment.model_dump(mode="json"), sort_keys=False, allow_unicode=True).encode()


def json_bytes(value: Any) -> bytes:
    """Write JSON with sorted keys: equal values give equal bytes."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def held_of(content: Content) -> Held:
    """Compute size and SHA-256 of contents or of a file."""
    if isinstance(content, Path):
        return Held(content.stat().st_size, sha256_file(content))
    return Held(len(content), hashlib.sha256(content).hexdigest())


def _holds_times(path: str) -> bool:
    return "/provenance/" in path or path.endswith("/report.html")

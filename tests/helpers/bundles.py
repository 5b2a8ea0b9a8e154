"""Bundles for tests: read one into a mapping, change it, and write it with as many records rewritten as a forger would."""

import hashlib
import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from aurl.audit.bundle.container import METADATA, write_bundle

Files = dict[str, bytes]
RESULTS = "results/micro/"


def read_files(path: Path) -> Files:
    with ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_files(path: Path, files: Files, sealed: bool = True) -> Path:
    """Write a bundle; sealed: the metadata state the digests of what is there now, and name every file."""
    write_bundle(path, sealed_files(files) if sealed else files)
    return path


def sealed_files(files: Files) -> Files:
    metadata = json.loads(files[METADATA])
    others = {name: content for name, content in files.items() if name != METADATA}
    graph = [entity for entity in metadata["@graph"] if "sha256" not in entity or entity["@id"] in others]
    known = {entity["@id"]: entity for entity in graph}
    for name, content in others.items():
        if name not in known:
            graph.append(known.setdefault(name, {"@id": name, "@type": "File"}))
        known[name] |= {"sha256": sha256(content), "contentSize": str(len(content))}
    return files | {METADATA: json.dumps(metadata | {"@graph": graph}).encode()}


def blocks_of(files: Files) -> dict[str, Any]:
    return {
        name: json.loads(content) for name, content in files.items() if "/provenance/" in name and "code/" not in name
    }


def block_of(artefact: str) -> str:
    """The name of an artefact's block: `metrics.csv` -> `results/micro/provenance/metrics.csv.json`."""
    return f"{RESULTS}provenance/{artefact}.json"


def edit_block(files: Files, artefact: str, **changes: Any) -> None:
    """Change parts of the identity in the block of an artefact."""
    block = json.loads(files[block_of(artefact)])
    block["identity"] |= changes
    files[block_of(artefact)] = json.dumps(block).encode()


def rewrite_records(files: Files, inputs: bool = True) -> None:
    """Let every block state the digests of what the bundle holds now: outputs, and inputs too; and dvc.lock."""
    digests = {name: sha256(content) for name, content in files.items()}
    for name, block in blocks_of(files).items():
        for kind, values in (("outputs", block["outputs"]), ("inputs", block["identity"]["inputs"])):
            for path in values if kind == "outputs" or inputs else ():
                values[path] = digests.get(path) or digests.get(f"code/{path}") or values[path]
        files[name] = json.dumps(block).encode()
    lock = json.loads(files["dvc.lock"])
    for stage in lock["stages"].values():
        for out in stage["outs"]:
            if out["path"] in files:
                out["md5"] = hashlib.md5(files[out["path"]]).hexdigest()
    files["dvc.lock"] = json.dumps(lock).encode()

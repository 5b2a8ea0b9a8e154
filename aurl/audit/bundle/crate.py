"""Describe a bundle as a Workflow Run RO-Crate.

Sources: RO-Crate 1.1 (https://w3id.org/ro/crate/1.1), Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun/workflow/0.5).
The library `rocrate` writes the time of writing into the metadata; these are equal for equal results.
"""

import json
import mimetypes
from collections.abc import Mapping
from typing import Any

from aurl.audit.bundle.container import METADATA, Held
from aurl.audit.bundle.contents import CODE

Entity = dict[str, Any]
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
VERSIONS = {"https://w3id.org/workflowhub/workflow-ro-crate/1.0": "1.0"}
WORKFLOW, LICENSE, PARAMS = f"{CODE}Snakefile", f"{CODE}LICENSE", "params.yaml"
TYPES = {
    ".safetensors": "application/octet-stream", ".md": "text/markdown", ".lock": "text/plain", ".toml": "text/plain",
    ".yaml": "text/yaml", ".smk": "text/plain", ".tex": "text/x-tex", ".bin": "application/octet-stream",
}  # fmt: skip


def crate(experiment: str, title: str, held: Mapping[str, Held], commit: tuple[str, str], snakemake: str) -> bytes:
    """Write the metadata: files with their SHA-256, the workflow, its run.

    Args:
        title: of the report. held: every file of the bundle but the metadata.
        commit: name and date. snakemake: its version.
    """
    name, date = commit
    results = sorted(path for path in held if path.startswith("results/") and "/provenance/" not in path)
    inputs = sorted(path for path in held if path.startswith("inputs/"))
    graph: list[Entity] = [
        {
            "@id": METADATA, "@type": "CreativeWork", "about": _ref("./"),
            "conformsTo": [_ref("https://w3id.org/ro/crate/1.1"), _ref("https://w3id.org/workflowhub/workflow-ro-crate/1.0")],
        },
        {
            "@id": "./", "@type": "Dataset", "name": f"Experiment {experiment}", "description": title,
            "datePublished": date, "license": _ref(LICENSE if LICENSE in held else "#license"),
            "conformsTo": [_ref(each) for each in PROFILES], "mainEntity": _ref(WORKFLOW),
            "mentions": _ref("#run"), "hasPart": [_ref(path) for path in sorted(held)],
        },
        *({"@id": each, "@type": "CreativeWork", "name": label, "version": VERSIONS.get(each, "0.5")}
          for each, label in PROFILES.items()),
        {
            "@id": "#snakemake", "@type": "ComputerLanguage", "name": "Snakemake", "version": snakemake,
            "identifier": _ref("https://snakemake.readthedocs.io"), "url": _ref("https://snakemake.github.io"),
        },
        {"@id": "#params", "@type": "FormalParameter", "additionalType": "File", "name": "params", "valueRequired": True,
         "conformsTo": _ref("https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE")},
        {
            "@id": "#run", "@type": "CreateAction", "name": f"Run of {experiment}", "endTime": date,
            "instrument": _ref(WORKFLOW), "object": [_ref(PARAMS), *map(_ref, inputs)], "result": list(map(_ref, results)),
            "description": "The stages with inputs, parameters, code and seeds: the files below provenance/."
                           " Times are those of the commit, so that equal results give equal bytes.",
            "agent": _ref("#author"),
        },
        {"@id": "#author", "@type": "Person", "name": "the author of the bundle"},
        *(_file(path, each, name) for path, each in sorted(held.items())),
    ]  # fmt: skip
    if LICENSE not in held:
        graph.append({"@id": "#license", "@type": "CreativeWork", "name": "no license stated"})
    return (json.dumps({"@context": CONTEXT, "@graph": graph}, indent=1, ensure_ascii=False) + "\n").encode()


def declared_files(metadata: Any) -> dict[str, Held]:
    """Map each file that the metadata name to its size and SHA-256.

    Raises: ValueError for other metadata.
    """
    if not isinstance(metadata, dict) or not isinstance(metadata.get("@graph"), list):
        raise ValueError("no @graph")
    files: dict[str, Held] = {}
    for entity in metadata["@graph"]:
        if not isinstance(entity, dict) or not isinstance(entity.get("@id"), str):
            raise ValueError("an entity without an @id")
        if "sha256" not in entity:
            continue
        name, size, sha256 = entity["@id"], entity.get("contentSize"), entity["sha256"]
        if not (isinstance(size, str) and size.isdecimal() and len(size) < 19 and isinstance(sha256, str)):
            raise ValueError(f"{name[:80]!r}: no size or SHA-256")
        if name in files:
            raise ValueError(f"{name[:80]!r} twice")
        files[name] = Held(int(size), sha256)
    return files


def _file(path: str, held: Held, commit: str) -> Entity:
    suffix = f".{path.rsplit('.', 1)[-1]}"
    form = TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "text/plain"
    entity: Entity = {
        "@id": path, "@type": "File", "name": path.rsplit("/", 1)[-1], "encodingFormat": form,
        "contentSize": str(held.size), "sha256": held.sha256,
    }  # fmt: skip
    if path == WORKFLOW:
        entity |= {
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"], "name": "AURL, from videos to tables",
            "programmingLanguage": _ref("#snakemake"), "input": _ref("#params"), "version": commit,
        }  # fmt: skip
    if path == PARAMS:
        entity["exampleOfWork"] = _ref("#params")
    return entity


def _ref(identifier: str) -> dict[str, str]:
    return {"@id": identifier}

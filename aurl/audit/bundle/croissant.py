"""Describe world, classes, splits and videos as a Croissant 1.1 dataset.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html. Addresses are paths inside the bundle, which
is unpacked to load the tables. Videos themselves are not in the tables: rendered ones follow from the world and a seed.
"""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aurl.audit.bundle.container import Held
from aurl.audit.bundle.contents import CODE
from aurl.audit.bundle.lists import CLASSES, SPLITS
from aurl.pipeline.jobs import Jobs
from aurl.system.shipped import RENDERED_WORLD

CROISSANT, VERSION = "croissant.json", "http://mlcommons.org/croissant/1.1"
WORLD = f"{CODE}{RENDERED_WORLD.as_posix()}"
LICENSE = "https://spdx.org/licenses/MIT.html"
INTEGERS = {"videos", "bytes", "frames", "width", "height"}
FLOATS = {"rate", "duration", "ground_red", "ground_green", "ground_blue", "object_red", "object_green", "object_blue",
          "swing_x", "swing_y", "pulse"}  # fmt: skip
MEANINGS = {
    "dataset": "name of the dataset in params.yaml",
    "class": "class name, as the dataset writes it",
    "part": "seen (trained on, as far as the filter keeps it) or unseen (tested on)",
    "protocol": "how the classes of a draw were chosen (docs/protocols.md)",
    "draw": "number of the draw, which is its seed for half_splits",
    "path": "the video's file below the dataset's folder",
    "sha256": "SHA-256 of the video's file",
}
CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs",
    "column": "cr:column", "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/", "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes", "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5",
    "name": {"@container": "@language"}, "parentField": "cr:parentField", "path": "cr:path",
    "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
    "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip


def tables_of(jobs: Jobs) -> dict[str, str]:
    """Map the files that are described to what each holds."""
    tables = {
        CLASSES: "every class of the experiment that has word vectors, with the number of its usable videos",
        SPLITS: "the candidate classes of every test split",
    }
    rendered = any(dataset.source.render is not None for dataset in jobs.experiment.datasets.values())
    if rendered:
        tables[WORLD] = "how each class of the rendered world looks: nine factors between 0 and 1"
    for row in jobs.rows("datasets"):
        listing = jobs.paths.of("listing", dataset=row["dataset"]).as_posix()
        tables[listing] = f"the videos of {row['dataset']} with their classes and SHA-256"
    return tables


def croissant(
    jobs: Jobs, files: Mapping[str, bytes | Path], held: Mapping[str, Held], commit: tuple[str, str]
) -> bytes:
    """Write the description.

    Args:
        files, held: of the bundle, by name. commit: its name and date.
    """
    name, date = commit
    experiment = jobs.experiment.experiment
    tables = {path: what for path, what in tables_of(jobs).items() if path in files}
    value = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": f"aurl-{experiment}",
        "description": f"Classes, test splits and videos of experiment {experiment}. {jobs.experiment.report.setting}"
        " Videos that are not rendered have licences of their own.",
        "conformsTo": VERSION,
        "license": LICENSE,
        "url": f"urn:git:commit:{name}",
        "creator": {"@type": "Organization", "name": "The author of the bundle"},
        "datePublished": date,
        "version": "1.0.0",
        "citeAs": "Pu, Zhao, Zheng: Alignment-Uniformity aware Representation Learning for Zero-shot Video"
        " Classification, CVPR 2022",
        "isLiveDataset": False,
        "distribution": [_file(path, what, held[path]) for path, what in tables.items()],
        "recordSet": [_records(path, what, _header(files[path])) for path, what in tables.items()],
    }
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _file(path: str, what: str, held: Held) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject", "@id": path, "name": path.rsplit("/", 1)[-1], "description": what,
        "contentUrl": path, "contentSize": f"{held.size} B", "encodingFormat": "text/csv", "sha256": held.sha256,
    }  # fmt: skip


def _records(path: str, what: str, columns: list[str]) -> dict[str, Any]:
    name = path.removeprefix("results/").replace("/", "-").removesuffix(".csv")
    fields = [
        {
            "@type": "cr:Field", "@id": f"{name}/{column}", "name": column,
            "description": MEANINGS.get(column, column.replace("_", " ")), "dataType": _kind(column),
            "source": {"fileObject": {"@id": path}, "extract": {"column": column}},
        }
        for column in columns
    ]  # fmt: skip
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "description": what, "field": fields}


def _kind(column: str) -> str:
    return "sc:Integer" if column in INTEGERS else "sc:Float" if column in FLOATS else "sc:Text"


def _header(content: bytes | Path) -> list[str]:
    text = content.decode() if isinstance(content, bytes) else content.read_text()
    return next(csv.reader(io.StringIO(text.partition("\n")[0])))

"""The stages: which parameters and which code files each one depends on.

One table feeds the rules' inputs and params, the provenance blocks and the test that compares it with
what the commands really import. The code of a stage is its entry module with everything of this package
that it imports. `cli`, `config`, `lineage`, `paths`, `files`, `errors`, `isolated`, `memory` and `progress`
are exempt: they carry values and bytes from place to place and decide no result.
"""

import ast
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from aurl.experiment.read import lookup
from aurl.experiment.settings import Experiment

PACKAGE = Path(__file__).resolve().parents[1]
CARRIERS = [
    *("aurl.cli", "aurl.experiment", "aurl.pipeline", "aurl.lineage", "aurl.audit", "aurl.operate"),
    *(f"aurl.system.{name}" for name in ("digests", "errors", "files", "isolated", "locks", "memory", "progress")),
    "aurl.system.shipped",
]  # fmt: skip


def is_carrier(module: str) -> bool:
    """Say whether a module only carries values and bytes, so that its code decides no result."""
    return any(module == carrier or module.startswith(f"{carrier}.") for carrier in CARRIERS)


@dataclass(frozen=True)
class Stage:
    """The module that does a stage's work, the dotted keys of the parameters that shape its results, and a folder.

    The files of `folder` (templates, relative to the package) belong to the code as modules do.
    """

    entry: str
    settings: tuple[str, ...]
    folder: str | None = None


FRAME_KEYS = ("frames.size", "frames.quality", "frames.chroma", "datasets.{dataset}.shards")
STAGES = {
    "ingest": Stage("aurl.datasets.ingest", ("datasets.{dataset}.source",)),
    "manifest": Stage("aurl.frames.manifest", ("datasets.{dataset}.source", "datasets.{dataset}.broken")),
    "frames": Stage("aurl.frames.extract", (*FRAME_KEYS, "datasets.{dataset}.broken")),
    "frames_index": Stage("aurl.frames.packing", FRAME_KEYS),
    "embeddings": Stage(
        "aurl.semantics.embedding",
        (
            "semantics.vectors",
            "semantics.dimension",
            "semantics.missing",
            "datasets.{dataset}.tokens",
            "datasets.{dataset}.broken",
        ),
    ),
    "seen_classes": Stage("aurl.semantics.seen", ("semantics.tau", "semantics.expected_seen_classes")),
    "train": Stage("aurl.training.loop", ("model", "training", "variants.{variant}", "datasets.{seen}.broken")),
    "import_weights": Stage("aurl.models.imported", ("model", "imported.{variant}")),
    "features": Stage(
        "aurl.evaluation.features",
        ("evaluation.clips", "evaluation.batch_size", "evaluation.compute", "datasets.{dataset}.broken"),
    ),
    "evaluate": Stage("aurl.evaluation.evaluate", ("evaluation.splits",)),
    "collect": Stage("aurl.evaluation.collect", ("variants", "seeds", "unseen")),
    "statistics": Stage(
        "aurl.evaluation.statistics",
        ("evaluation.statistics", "report.ablation_clips", "variants", "seeds", "unseen"),
    ),
    "tables": Stage("aurl.report.tables", ("report", "variants", "imported", "datasets", "semantics.tau")),
    "figures": Stage(
        "aurl.report.drawing.draw",
        ("report", "variants", "datasets", "semantics.tau", "evaluation.clips", "evaluation.splits"),
    ),
    "report": Stage(
        "aurl.report.page",
        (
            "seen",
            "unseen",
            "datasets",
            *FRAME_KEYS[:3],
            "semantics",
            "model",
            "training",
            "variants",
            "trained",
            "imported",
            "seeds",
            "evaluation",
            "report",
        ),
        folder="report/template",
    ),
}


def stage_settings(stage: str, experiment: Experiment, **wildcards: Any) -> dict[str, Any]:
    """The values of a stage's parameters, by dotted key."""
    keys = [key.format(seen=experiment.seen, **wildcards) for key in STAGES[stage].settings]
    return {key: lookup(experiment, key) for key in keys}


def stage_code(stage: str) -> list[str]:
    """The code files of a stage, sorted, relative to the repository."""
    folder = STAGES[stage].folder
    files = [module_path(name) for name in _closure(STAGES[stage].entry)[0]]
    files += [path for path in (PACKAGE / folder).iterdir() if path.is_file()] if folder else []
    return sorted(path.relative_to(PACKAGE.parent).as_posix() for path in files)


def stage_packages(stage: str) -> list[str]:
    """Top-level names of the third-party modules that a stage's code imports."""
    return list(_closure(STAGES[stage].entry)[1])


def module_path(name: str) -> Path:
    """The file of a module of this package."""
    path = PACKAGE.parent / Path(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@lru_cache
def _closure(entry: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Modules of this package that `entry` reaches (without exempt ones and empty packages), and outside ones."""
    reached, outside, todo = set(), set(), [entry]
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        reached.add(name)
        for imported in _imports(name):
            if imported.split(".")[0] != "aurl":
                outside.add(imported.split(".")[0])
            elif not is_carrier(imported):
                todo.append(imported)
    return tuple(sorted(reached)), tuple(sorted(outside - set(sys.stdlib_module_names)))


@lru_cache
def _imports(name: str) -> tuple[str, ...]:
    """Modules that a module imports anywhere, `from package import module` resolved."""
    found = set()
    for node in ast.walk(ast.parse(module_path(name).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = node.module.startswith("aurl") and module_path(inner).is_file()
                found.add(inner if is_module else node.module)
    return tuple(sorted(found))

"""A cell's value over git's commits of dvc.lock, with what changed in its lineage between them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aurl.evaluation.metrics_file import read_value
from aurl.lineage.dvc_lock import Lock, LockedStage
from aurl.pipeline.paths import ResultPaths
from aurl.system.errors import AurlError
from aurl.system.git import git


@dataclass(frozen=True)
class Cell:
    """A number in a metrics file: which file, and where in it."""

    path: str
    clips: int
    splits: int
    metric: str


@dataclass(frozen=True)
class Entry:
    """The cell at one commit; `value` is None where the metrics file is in no cache here."""

    commit: str
    date: str
    subject: str
    value: float | None
    changes: list[str]


def history(cell: Cell) -> Iterator[Entry]:
    """The cell at every commit that changed its metrics or anything behind them, oldest first.

    Raises: AurlError outside a git repository, or if the cell was never recorded.
    """
    previous: dict[str, LockedStage] | None = None
    last: str | None = None
    for commit, date, subject in _commits():
        lock = Lock(git("show", f"{commit}:dvc.lock"))
        if lock.stage_of(cell.path) is None:
            continue
        lineage = ancestors(lock, cell.path)
        md5 = lock.md5(cell.path)
        changes = [] if previous is None else list(differences(previous, lineage))
        if previous is None or md5 != last or changes:
            yield Entry(commit, date, subject, _value(lock, cell, md5), changes)
        previous, last = lineage, md5
    if previous is None:
        raise AurlError(f"{cell.path} is in no dvc.lock that git holds; 'aurl record', then commit dvc.lock")


def ancestors(lock: Lock, path: str) -> dict[str, LockedStage]:
    """The stages behind a path, by name."""
    found: dict[str, LockedStage] = {}
    todo = [path]
    while todo:
        current = todo.pop()
        stage = lock.stage_of(current)
        # a folder of several stages' outputs
        inside = (
            []
            if stage
            else [out for other in lock.stages.values() for out in other.outs if out.startswith(f"{current}/")]
        )
        todo += inside
        if stage is not None and stage.name not in found:
            found[stage.name] = stage
            todo += stage.deps
    return found


def differences(before: dict[str, LockedStage], after: dict[str, LockedStage]) -> Iterator[str]:
    """What differs in the causes: parameters, code, and files that no stage makes."""
    made = {out for stage in after.values() for out in stage.outs}
    told = set()
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            yield f"stage {name} {'appeared' if old is None else 'went'}"
            continue
        for key in sorted(old.params.keys() | new.params.keys()):
            if old.params.get(key) != new.params.get(key):
                told.add(f"parameter {key}: {json.dumps(old.params.get(key))} -> {json.dumps(new.params.get(key))}")
        for path in sorted(old.deps.keys() | new.deps.keys()):
            if path not in made and not path.startswith("results/") and old.deps.get(path) != new.deps.get(path):
                told.add(f"{'code' if path.startswith('aurl/') else 'input'} {path}")
    yield from sorted(told)


def parse_cell(text: str, experiment: str) -> Cell:
    """`variant,seed,dataset[,clips[,splits[,metric]]]`; 1 clip, 1 split and top1 by default.

    Raises: AurlError for anything else.
    """
    parts = [part.strip() for part in text.split(",")]
    if not 3 <= len(parts) <= 6 or not all(part.isdigit() for part in (parts[1], *parts[3:5])):
        raise AurlError(
            f"'{text}' is no cell; write variant,seed,dataset[,clips[,splits[,metric]]], such as aurl,0,shapes_ucf,1,10"
        )
    variant, seed, dataset, clips, splits, metric = parts + ["1", "1", "top1"][len(parts) - 3 :]
    path = ResultPaths(experiment).of("metrics", variant=variant, seed=seed, dataset=dataset)
    return Cell(str(path), int(clips), int(splits), metric)


def _commits() -> list[tuple[str, str, str]]:
    lines = git("log", "--reverse", "--format=%H%x09%cs%x09%s", "--", "dvc.lock").splitlines()
    return [(commit, date, subject) for commit, date, subject in (line.split("\t", 2) for line in lines)]


def _value(lock: Lock, cell: Cell, md5: str | None) -> float | None:
    cached = lock.cached(md5) if md5 else Path("/nowhere")
    if not cached.is_file():
        return None
    try:
        return read_value(cached, cell.clips, cell.splits, cell.metric)
    except (ValueError, KeyError):
        return None

"""Follow a cell's value over git's commits of dvc.lock, with the changes in its lineage."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from aurl.evaluation.metrics_file import read_value
from aurl.lineage.blocks import differing_keys
from aurl.lineage.dvc_lock import Lock, LockedStage
from aurl.pipeline.paths import ResultPaths
from aurl.system.errors import AurlError
from aurl.system.git import git


@dataclass(frozen=True)
class Cell:
    """Name a number in a metrics file: the file, and the place in it.

    `dataset` is of a file that holds several test sets.
    """

    path: str
    clips: int
    splits: int
    metric: str
    dataset: str | None = None


@dataclass(frozen=True)
class Entry:
    """Describe the cell at one commit; `value` is None where the metrics file is in no cache here."""

    commit: str
    date: str
    subject: str
    value: float | None
    changes: list[str]


def history(cell: Cell) -> Iterator[Entry]:
    """Yield the cell at every commit that changed its metrics or anything behind them, oldest first.

    Raises: AurlError outside a git repository, or if the cell was never recorded.
    """
    previous: dict[str, LockedStage] | None = None
    last: str | None = None
    for line in git("log", "--reverse", "--format=%H%x09%cs%x09%s", "--", "dvc.lock").splitlines():
        commit, date, subject = line.split("\t", 2)
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
        raise AurlError(
            f"{cell.path} is in no dvc.lock that git holds: run 'aurl record', then 'git commit dvc.lock'; every commit"
            " of dvc.lock is a point of the history"
        )


def ancestors(lock: Lock, path: str) -> dict[str, LockedStage]:
    """Map the name of each stage behind a path to the stage."""
    stages: dict[str, LockedStage] = {}
    waiting = [path]
    while waiting:
        current = waiting.pop()
        stage = lock.stage_of(current)
        if stage is None:  # perhaps a folder of several stages' outputs
            waiting += [out for other in lock.stages.values() for out in other.outs if out.startswith(f"{current}/")]
        elif stage.name not in stages:
            stages[stage.name] = stage
            waiting += stage.deps
    return stages


def differences(before: dict[str, LockedStage], after: dict[str, LockedStage]) -> Iterator[str]:
    """Say which causes differ: parameters, code, and files that no stage makes."""
    outputs = {out for stage in after.values() for out in stage.outs}
    causes = set()
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            yield f"stage {name} {'appeared' if old is None else 'went'}"
            continue
        for key in differing_keys(old.params, new.params):
            causes.add(f"parameter {key}: {json.dumps(old.params.get(key))} -> {json.dumps(new.params.get(key))}")
        for path in differing_keys(old.deps, new.deps):
            if path not in outputs and not path.startswith("results/"):
                causes.add(f"{'code' if path.startswith('aurl/') else 'input'} {path}")
    yield from sorted(causes)


def parse_cell(text: str, experiment: str, outside: Collection[str] = ()) -> Cell:
    """Parse `variant,seed,dataset[,clips[,splits[,metric]]]`; 1 clip, 1 split and top1 by default.

    Args:
        outside: names of rows from outside, which stand in the place of a variant; their seed does not count.
    Raises: AurlError for anything else.
    """
    parts = [part.strip() for part in text.split(",")]
    if not 3 <= len(parts) <= 6 or not all(part.isdigit() for part in (parts[1], *parts[3:5])):
        raise AurlError(
            f"'{text}' is no cell; write variant,seed,dataset[,clips[,splits[,metric]]], such as aurl,0,drawn_ucf,1,10"
        )
    variant, seed, dataset, clips, splits, metric = parts + ["1", "1", "top1"][len(parts) - 3 :]
    if variant in outside:
        path = ResultPaths(experiment).of("external_metrics", row=variant)
        return Cell(str(path), int(clips), int(splits), metric, dataset)
    path = ResultPaths(experiment).of("metrics", variant=variant, seed=seed, dataset=dataset)
    return Cell(str(path), int(clips), int(splits), metric)


def _value(lock: Lock, cell: Cell, md5: str | None) -> float | None:
    try:
        return read_value(lock.cached(md5 or ""), cell.clips, cell.splits, cell.metric, cell.dataset)
    except (OSError, ValueError, KeyError):
        return None

"""Run DVC and commit to it. Snakemake runs the stages; DVC records and versions them."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from aurl.lineage.dvc_lock import CACHE, LOCK, Lock
from aurl.system.digests import Digests
from aurl.system.errors import AurlError, printable
from aurl.system.files import write_text
from aurl.system.progress import log, track

Status = dict[str, list[Any]]
RWLOCK = Path(".dvc/tmp/rwlock")
COLOUR = re.compile(r"\x1b\[[\d;]*m")
MOST_WORDS = 600  # characters of DVC's own message


def dvc(*arguments: str) -> str:
    """Run a dvc command and return what it prints.

    Raises: AurlError with dvc's own words if it fails.
    """
    drop_broken_rwlock()
    done = subprocess.run(["dvc", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise AurlError(f"'dvc {' '.join(arguments[:3])}' failed: {_relayed(done.stderr or done.stdout)}")
    return done.stdout


def _relayed(text: str) -> str:
    """Put DVC's words on one line without its colours; whatever else would control a terminal is escaped."""
    words = printable(" ".join(COLOUR.sub("", text).replace("ERROR: ", "").split()))
    return words if len(words) <= MOST_WORDS else f"... {words[-MOST_WORDS:].partition(' ')[2]}"


def status(waiting: bool = False) -> Status:
    """Map each stage of params.yaml that differs from dvc.lock to its differences.

    Args:
        waiting: also those that were never recorded and lack an input or every output: the stages of an experiment
            that wait for data that is not here.
    """
    listed = json.loads(dvc("status", "--json") or "{}")
    recorded = Lock.read().stages
    return {
        stage: differences
        for stage, differences in listed.items()
        if isinstance(differences, list) and (waiting or stage in recorded or not _waits(differences))
    }


def commit_changed(digests: Digests, check: Callable[[Status], None]) -> list[str]:
    """Record every stage that differs from dvc.lock, like `dvc commit --force --no-relink`.

    In one process and with our digests, because the command takes seconds for each stage that is named: at
    516 stages 38 s for two of them. Without relinking, DVC leaves the files (and their times) as they are.

    Args:
        check: sees what differs before anything is written, and raises to refuse it.
    Returns: the names of the recorded stages.
    Raises: AurlError if DVC fails.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo, lock_repo
    from dvc.stage.serialize import to_lockfile
    from dvc.utils.serialize import dumps_yaml, load_yaml

    drop_broken_rwlock()
    try:
        with Repo() as repo, lock_repo(repo):
            recorded = Lock.read().stages
            params = yaml.safe_load(Path("params.yaml").read_text())
            stages = [stage for stage in repo.index.stages if stage.cmd]
            compared = track(stages, "compare with dvc.lock", "stages", len(stages), brief=True)
            suspects = [stage for stage in compared if _may_differ(stage, digests, params)]
            suspects = [stage for stage in suspects if stage.addressing in recorded or not _waits_here(stage)]
            differing = {name: differences for stage in suspects for name, differences in stage.status().items()}
            check(differing)
            changed = [stage for stage in suspects if stage.addressing in differing]
            for stage in track(changed, "record", "stages", len(changed), brief=True):
                stage.save()
                stage.commit(relink=False)
            if changed:  # DVC itself would rewrite the file in place, and read it slowly to keep comments
                content: dict[str, Any] = {"schema": "2.0", "stages": {}} | (load_yaml(LOCK) if LOCK.is_file() else {})
                for stage in changed:
                    content["stages"].update(to_lockfile(stage))
                write_text(LOCK, dumps_yaml(content))
    except DvcException as error:
        raise AurlError(f"DVC could not record: {_relayed(str(error))}") from None
    digests.save()
    return sorted(differing)


def drop_broken_rwlock(path: Path = RWLOCK) -> None:
    """Remove DVC's list of its readers and writers if a kill left half of it: DVC would refuse everything.

    Locks of dead processes in a whole one DVC ignores by itself.
    """
    for wait in (0.2, 0.2, 0.0):  # a living DVC may be writing it just now
        try:
            json.loads(path.read_text())
        except FileNotFoundError:
            return
        except ValueError:
            time.sleep(wait)
        else:
            return
    path.unlink(missing_ok=True)
    log(f"{path}: left half-written by a dvc that was killed; removed")


def drop_damaged(stages: Iterable[str], digests: Digests) -> list[str]:
    """Remove damaged objects of these stages from DVC's cache, and the outputs that DVC copied from them.

    A download that broke off can leave an object whose contents do not match its name. DVC would check it out as it
    is, and take the copy for whole ever after.

    Returns: the MD5s of the removed objects.
    """
    lock = Lock.read()
    dropped: list[str] = []
    outs = [out for stage in stages if stage in lock.stages for out in lock.stages[stage].outs.items()]
    for path, md5 in outs:
        files = {path: md5}
        if md5.endswith(".dir") and not _damaged(lock, md5, digests):
            files |= {f"{path}/{name}": inner for name, inner in lock.listing(md5).items()}
        damaged = {Path(name): inner for name, inner in files.items() if _damaged(lock, inner, digests)}
        for file, inner in damaged.items():
            if file.is_file() and digests.of(file).md5 == digests.of(lock.cached(inner)).md5:
                file.unlink()
        dropped += damaged.values()
    for md5 in dropped:
        lock.cached(md5).unlink(missing_ok=True)
    digests.save()
    return dropped


def changes(stage_changes: list[Any], kind: str) -> dict[str, str]:
    """Map each path to its change, for `kind` "changed outs" or "changed deps" of one stage."""
    entries = [entry.get(kind, {}) for entry in stage_changes if isinstance(entry, dict)]
    return {path: change for by_path in entries for path, change in by_path.items()}


def value_at(params: Any, key: str) -> Any:
    """Return the value at a dotted key of nested mappings; None where there is none."""
    for part in key.split("."):
        if not isinstance(params, dict) or part not in params:
            return None
        params = params[part]
    return params


def _damaged(lock: Lock, md5: str, digests: Digests) -> bool:
    cached = lock.cached(md5)
    return cached.is_file() and digests.of(cached).md5 != md5.removesuffix(".dir")


def _waits(stage_changes: list[Any]) -> bool:
    deps, outs = (changes(stage_changes, kind).values() for kind in ("changed deps", "changed outs"))
    return "deleted" in deps or set(outs) == {"deleted"}


def _waits_here(stage: Any) -> bool:
    paths = [entry.def_path for entry in stage.deps if type(entry).__name__ != "ParamsDependency"]
    return not all(Path(path).exists() for path in paths) or not any(Path(out.def_path).exists() for out in stage.outs)


def _may_differ(stage: Any, digests: Digests, params: Any) -> bool:
    """Say if anything of a DVC stage differs from its record, or is not in the cache."""
    if stage.cmd_changed:
        return True
    for entry in (*stage.deps, *stage.outs):
        if type(entry).__name__ == "ParamsDependency":
            recorded = entry.hash_info.value if entry.hash_info else {}  # DVC itself would read the file for each stage
            if any(value_at(params, key) != recorded.get(key) for key in entry.params):
                return True
            continue
        path, recorded = Path(entry.def_path), entry.hash_info.value if entry.hash_info else None
        if recorded is None or not path.exists() or digests.of(path).md5 != recorded:
            return True
        if entry in stage.outs and not (CACHE / recorded[:2] / recorded[2:]).is_file():
            return True
    return False

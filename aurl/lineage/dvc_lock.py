"""Read dvc.lock and the contents of DVC's cache, without DVC."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from aurl.system.errors import AurlError, one_line

LOCK = Path("dvc.lock")
CACHE = Path(".dvc/cache/files/md5")


@dataclass(frozen=True)
class LockedStage:
    """Hold a stage of dvc.lock: MD5 of each dependency and output, and parameters by dotted key."""

    name: str
    deps: dict[str, str]
    outs: dict[str, str]
    params: dict[str, Any]


class Lock:
    """Hold the stages of a dvc.lock, and find the one that made a path."""

    def __init__(self, text: str, cache: Path = CACHE) -> None:
        """Raises: AurlError if the text is no dvc.lock."""
        self._cache = cache
        self._listings: dict[str, dict[str, str]] = {}
        try:
            # the C loader: a lock of 500 stages takes the other one many seconds
            raw = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}  # nosec B506
            stages = [
                LockedStage(name, _md5s(entry, "deps"), _md5s(entry, "outs"), _flat(entry.get("params", {})))
                for name, entry in raw.get("stages", {}).items()
            ]
        except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            raise AurlError(f"dvc.lock: not readable ({one_line(error, 200)}); restore it from git") from None
        self.stages = {stage.name: stage for stage in stages}
        self._maker = {path: stage for stage in stages for path in stage.outs}

    @classmethod
    def read(cls, path: Path = LOCK) -> "Lock":
        """Read the lock of the working tree; an empty one where nothing was ever recorded."""
        return cls(path.read_text() if path.is_file() else "")

    def stage_of(self, path: str) -> LockedStage | None:
        """Find the stage that made a path, or the folder that holds it."""
        folders = [path, *(str(parent) for parent in Path(path).parents)]
        return next((self._maker[folder] for folder in folders if folder in self._maker), None)

    def md5(self, path: str) -> str | None:
        """Return the recorded MD5 of an output, or of a file in an output folder (by the cache's list)."""
        stage = self.stage_of(path)
        if stage is None:
            return None
        if path in stage.outs:
            return stage.outs[path]
        folder = next(str(parent) for parent in Path(path).parents if str(parent) in stage.outs)
        return self.listing(stage.outs[folder]).get(Path(path).relative_to(folder).as_posix())

    def listing(self, md5: str) -> dict[str, str]:
        """Map each file of a recorded folder to its MD5; empty where the cache has lost the list."""
        if md5 not in self._listings:
            cached = self.cached(md5)
            rows = json.loads(cached.read_text()) if cached.is_file() else []
            self._listings[md5] = {row["relpath"]: row["md5"] for row in rows}
        return self._listings[md5]

    def cached(self, md5: str) -> Path:
        """Return the path at which DVC's cache keeps contents."""
        return self._cache / md5[:2] / md5[2:]


def _md5s(entry: dict[str, Any], kind: str) -> dict[str, str]:
    return {row["path"]: str(row["md5"]) for row in entry.get(kind, []) if "md5" in row}


def _flat(params: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {key: value for by_file in params.values() for key, value in by_file.items()}

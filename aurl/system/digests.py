"""Compute SHA-256 (provenance blocks) and MD5 (DVC) of files and folders in one read, with a cache."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from aurl.system.files import files_below, write_text

CACHE = Path(".snakemake/aurl/digests.json")


@dataclass(frozen=True)
class Digest:
    """SHA-256 as the provenance blocks hold it, and MD5 as DVC does (`.dir` for a folder)."""

    sha256: str
    md5: str


class Digests:
    """Computes digests of paths; reads a file only if it has changed since it was last read.

    A file counts as unchanged while size, mtime, ctime and inode are: ctime cannot be set back by hand.
    """

    def __init__(self, cache: Path | None = CACHE) -> None:
        """`cache` None reads every file."""
        self._cache = cache
        self._known: dict[str, list[str]] = {}
        self._fresh: dict[str, list[str]] = {}
        if cache is not None and cache.is_file():
            try:
                self._known = json.loads(cache.read_text())
            except ValueError:
                self._known = {}

    def of(self, path: Path) -> Digest:
        """Return the digests of a file or folder. Raises: OSError if it cannot be read."""
        return self._of_folder(path) if path.is_dir() else self._of_file(path)

    def save(self) -> None:
        """Keep the digests for the next process."""
        if self._cache is not None and self._fresh:
            write_text(self._cache, json.dumps({**self._known, **self._fresh}))

    def _of_file(self, path: Path) -> Digest:
        stat = path.stat()
        name, key = str(path), f"{stat.st_size},{stat.st_mtime_ns},{stat.st_ctime_ns},{stat.st_ino}"
        known = self._fresh.get(name) or self._known.get(name)
        if known is None or known[0] != key:
            sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
            with path.open("rb") as handle:
                while chunk := handle.read(1 << 20):
                    sha256.update(chunk)
                    md5.update(chunk)
            known = self._fresh[name] = [key, sha256.hexdigest(), md5.hexdigest()]
        return Digest(known[1], known[2])

    def _of_folder(self, folder: Path) -> Digest:
        """Compute `files.sha256_folder`, and DVC's digest of a directory: the MD5 of its sorted list of files."""
        files = [(path.relative_to(folder).as_posix(), self._of_file(path)) for path in files_below(folder)]
        lines = "".join(f"{digest.sha256}  {name}\n" for name, digest in files)
        listed = [{"md5": digest.md5, "relpath": name} for name, digest in files]
        md5 = hashlib.md5(json.dumps(listed, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
        return Digest(hashlib.sha256(lines.encode()).hexdigest(), f"{md5}.dir")

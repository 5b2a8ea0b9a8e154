"""Take a commit's code from git, and check it elsewhere without git.

A commit's name is the SHA-1 of its text; the text names a tree, whose name is the SHA-1 of the names of its files. So
the files and the commit's text prove the commit. Source: git's book, chapter "Git Internals".
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from aurl.system.errors import AurlError
from aurl.system.git import git

FILE, EXECUTABLE, LINK = "100644", "100755", "120000"


@dataclass(frozen=True)
class Commit:
    """Hold what a commit says beside its plain files.

    Attributes:
        name: SHA-1 of the commit, hex. text: of the commit, with author and message.
        executable: files that can be run. links: path -> target.
    """

    name: str
    text: str
    executable: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)

    @property
    def tree(self) -> str:
        """Return the name of the commit's tree, as its text says."""
        return self.text.partition("\n")[0].removeprefix("tree ")

    @property
    def date(self) -> str:
        """Return the commit's date, ISO 8601 in UTC.

        Raises: ValueError if the text has none.
        """
        line = next((line for line in self.text.splitlines() if line.startswith("committer ")), "")
        return datetime.fromtimestamp(int(line.split()[-2]), UTC).isoformat() if line else ""


def read_commit(revision: str = "HEAD") -> tuple[Commit, dict[str, bytes]]:
    """Read a commit and its files.

    Raises: AurlError outside a git repository, or for a submodule.
    """
    name = git("rev-parse", "--verify", f"{revision}^{{commit}}").strip()
    rows = [row.split("\t", 1) for row in git("ls-tree", "-r", "-z", "--full-tree", name).split("\0") if row]
    entries = {path: head.split() for head, path in rows}
    submodules = [path for path, (_, kind, _) in entries.items() if kind != "blob"]
    if submodules:
        raise AurlError(f"{submodules[0]}: a git submodule; a bundle holds files only: commit its files instead")
    contents = dict(zip(entries, _blobs([sha for _, _, sha in entries.values()]), strict=True))
    modes = {path: mode for path, (mode, _, _) in entries.items()}
    links = {path: contents[path].decode() for path, mode in modes.items() if mode == LINK}
    text = git("cat-file", "commit", name)
    files = {path: content for path, content in contents.items() if path not in links}
    return Commit(name, text, [path for path, mode in modes.items() if mode == EXECUTABLE], links), files


def parse_commit(raw: Any, where: str) -> Commit:
    """Check the JSON of a commit. Raises: AurlError."""
    try:
        return TypeAdapter(Commit).validate_json(json.dumps(raw), strict=True)
    except ValidationError as error:
        raise AurlError(f"{where}: no description of a commit ({error.errors()[0]['msg']})") from None


def object_name(kind: str, content: bytes) -> str:
    """Compute git's name of an object, SHA-1 in hex."""
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


def tree_name(blobs: Mapping[str, str], commit: Commit) -> str:
    """Compute the name of the tree of files.

    Args:
        blobs: path -> git's name of the file's contents.
    """
    root: dict[str, Any] = {}
    special = set(commit.executable)
    for path, name in blobs.items():
        _put(root, path, (EXECUTABLE if path in special else FILE, name))
    for path, target in commit.links.items():
        _put(root, path, (LINK, object_name("blob", target.encode())))
    return _name_of(root)


def commit_problem(commit: Commit, blobs: Mapping[str, str]) -> str | None:
    """Say how files and a commit disagree; None where the files are the commit's."""
    if object_name("commit", commit.text.encode()) != commit.name:
        return f"the commit's text is not that of commit {commit.name[:12]}"
    try:
        tree = tree_name(blobs, commit)
    except ValueError as error:
        return str(error)
    return None if tree == commit.tree else f"the files below code/ are not those of commit {commit.name[:12]}"


def _put(root: dict[str, Any], path: str, leaf: tuple[str, str]) -> None:
    *folders, name = path.split("/")
    for folder in folders:
        root = root.setdefault(folder, {})
        if not isinstance(root, dict):
            raise ValueError(f"{path}: below a file")
    if name in root:
        raise ValueError(f"{path}: twice")
    root[name] = leaf


def _name_of(folder: Mapping[str, Any]) -> str:
    rows = []
    for name, inside in folder.items():
        is_folder = isinstance(inside, dict)
        mode, sha = ("40000", _name_of(inside)) if is_folder else inside
        rows.append((f"{name}/" if is_folder else name, f"{mode} {name}".encode() + b"\0" + bytes.fromhex(sha)))
    return object_name("tree", b"".join(row for _, row in sorted(rows, key=lambda row: row[0].encode())))


def _blobs(names: Iterable[str]) -> Iterable[bytes]:
    """Read the contents of objects, in order."""
    done = subprocess.run(
        ["git", "cat-file", "--batch"], input="".join(f"{name}\n" for name in names).encode(), capture_output=True,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"}, check=False,
    )  # fmt: skip
    if done.returncode:
        raise AurlError("'git cat-file' failed; is the repository whole? ('git fsck')")
    rest = memoryview(done.stdout)
    while rest:
        head, _, _ = bytes(rest[:200]).partition(b"\n")
        size = int(head.split()[2])
        start = len(head) + 1
        yield bytes(rest[start : start + size])
        rest = rest[start + size + 1 :]


def as_json(commit: Commit) -> bytes:
    """Write a commit as JSON."""
    return (json.dumps(vars(commit), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()

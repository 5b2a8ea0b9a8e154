"""Ask git about the working tree."""

import os
import subprocess
from typing import Any

from aurl.system.errors import AurlError, one_line


def git(*arguments: str) -> str:
    """Run a git command that only reads, and return what it prints. Raises: AurlError if it fails."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        ended = subprocess.run(["git", *arguments], capture_output=True, text=True, env=environment)
    except OSError as error:
        raise AurlError(f"git cannot be started ({error.strerror}); install it") from None
    if ended.returncode:
        raise AurlError(f"'git {arguments[0]}' failed: {one_line(ended.stderr, 200)}")
    return ended.stdout


def git_state() -> dict[str, Any]:
    """Return the commit, and if tracked files differ from it (`dirty`); empty outside a repository."""
    try:
        commit = git("rev-parse", "HEAD").strip()
        return {"commit": commit, "dirty": bool(git("status", "--porcelain", "--untracked-files=no").strip())}
    except AurlError:
        return {}

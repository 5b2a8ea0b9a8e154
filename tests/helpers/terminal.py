"""A pseudo-terminal for commands that draw."""

import os
import pty
import select
import subprocess
import termios
from pathlib import Path

from repositories import REPOSITORY, environment_of


def on_terminal(folder: Path | None, *command: str, size: tuple[int, int] = (40, 120), **variables: str) -> str:
    """What a command prints on a terminal, in a folder with the repository's code (default: this repository).

    Args:
        size: rows and columns.
    """
    folder = folder or REPOSITORY
    environment = {**environment_of(folder), "TERM": "xterm", "NO_COLOR": "", **variables}
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, size)
    process = subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    output = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            part = os.read(ours, 4096)
        except OSError:  # Linux says EIO once the last process has closed it
            break
        if not part:
            break
        output += part
    process.kill()
    process.wait()
    os.close(ours)
    return output.decode()

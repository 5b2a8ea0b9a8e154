"""Hand a command over to the job server of the run that it belongs to (`job_server.py`).

This module and what it imports are all that a served job starts, so it imports little: no click, no settings.
"""

import os
import signal
import socket
import sys
import time
from contextlib import suppress
from types import FrameType

from aurl.system.processes import JOB_SERVER

ACCEPTED = b"+"
ORIGIN = (sys.prefix, __file__)  # the installed Python and package that run here
STATUS_BYTES = 2  # what the server sends at the end: exit status, or minus the signal's number
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def hand_over() -> None:
    """Let the job server run this command, and end as it ended.

    Returns where there is no server, or where it refuses: then the command runs in this process.
    """
    address = os.environ.get(JOB_SERVER)
    if address is None:
        return
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(address)
        except OSError:  # the run has ended, or its server could not start
            return
        status = _served(server)
    if status is not None:
        _end(status)


def _served(server: socket.socket) -> int | None:
    """Send the command, pass on signals, and wait for its end; returns None if the server refuses it."""
    signals: list[int] = []
    before = {number: signal.getsignal(number) for number in FORWARDED}
    forwarded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]  # SIG_IGN: nohup, say

    def forward(number: int, _: FrameType | None) -> None:
        signals.append(number)
        with suppress(OSError):
            server.send(bytes([number]))

    for number in forwarded:
        signal.signal(number, forward)
    status = _status(server) if _is_accepted(server) else None
    for number in forwarded:
        signal.signal(number, before[number])
    if status is None and signals:  # nobody has taken them
        os.kill(os.getpid(), signals[0])
    return status


def _is_accepted(server: socket.socket) -> bool:
    """Send the command with this process's open files 0 to 2; says whether the server has taken it."""
    request = os.memfd_create("aurl")
    try:
        with open(request, "wb", closefd=False) as file:
            file.write(_request())
        socket.send_fds(server, [ACCEPTED], [0, 1, 2, request])
        return server.recv(1) == ACCEPTED
    except OSError:
        return False
    finally:
        os.close(request)


def _status(server: socket.socket) -> int:
    """Wait for the end of the job; a server that is killed takes its jobs with it."""
    with suppress(OSError):
        status = server.recv(STATUS_BYTES, socket.MSG_WAITALL)
        if len(status) == STATUS_BYTES:
            return int.from_bytes(status, "big", signed=True)
    return -signal.SIGKILL


def _request() -> bytes:
    """Describe this command: origin, folder, start in seconds since 1970, arguments, environment.

    NUL stands between the words: json would take longer to import than this whole module.
    """
    words = [*ORIGIN, os.getcwd(), str(time.time()), str(len(sys.argv)), *sys.argv]
    return b"\0".join(map(os.fsencode, [*words, *(f"{name}={value}" for name, value in os.environ.items())]))


def _end(status: int) -> None:
    """End this process with an exit status, or by the signal that ended the job."""
    if status < 0:
        if status != -signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status & 0xFF)

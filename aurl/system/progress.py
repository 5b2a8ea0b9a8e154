"""Show progress: a bar with rate and remaining time on a terminal, periodic lines in a log."""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

from aurl.system.errors import printable

Item = TypeVar("Item")

LOG_INTERVAL_SECONDS = 15.0
BRIEF_SECONDS = 1.0


def log(message: str) -> None:
    """Print one line on standard error, above a bar that is being drawn."""
    tqdm.write(printable(message), file=sys.stderr)
    sys.stderr.flush()


def notice(message: str) -> None:
    """Print a line for a person: in the log, and on standard output where standard error is no terminal."""
    log(message)
    if not sys.stderr.isatty():
        print(f"aurl: {message}", flush=True)


def track(
    items: Iterable[Item], description: str, unit: str, total: int, done: int = 0, brief: bool = False
) -> Iterator[Item]:
    """Pass the items on, and report rate and remaining time.

    Args:
        total: how many items there are in all, `done` of them before this run.
        brief: the work usually takes no time; nothing is shown unless it does, and no bar is left behind.
    """
    if sys.stderr.isatty():
        yield from tqdm(
            items, description, total, not brief, unit=unit, initial=done, dynamic_ncols=True,
            delay=BRIEF_SECONDS if brief else 0,
        )  # fmt: skip
        return
    lines = _Lines(total, done)
    for item in items:
        yield item
        lines.count += 1
        if lines.due() or (done + lines.count == total and not brief):
            log(f"{description}: {done + lines.count}/{total} {unit} {lines.rate:.1f}/s, {lines.remaining:.0f} s left")


@contextmanager
def transfer(description: str, total: int | None, done: int = 0) -> Iterator[Callable[[int], object]]:
    """Report bytes; yields a function to call with each number of bytes that went through.

    Args:
        total: bytes in all, `done` of them before this run; None if unknown.
    """
    if sys.stderr.isatty():
        with tqdm(desc=description, total=total, initial=done, unit="B", unit_scale=True, dynamic_ncols=True) as bar:
            yield bar.update
        return
    lines = _Lines(total, done)

    def advance(number: int) -> None:
        lines.count += number
        if lines.due():
            left = "" if total is None else f" of {in_bytes(total)}, {lines.remaining:.0f} s left"
            log(f"{description}: {in_bytes(done + lines.count)}{left}, {in_bytes(lines.rate)}/s")

    yield advance


class _Lines:
    """Count finished items, and decide when the next line of a log is due."""

    def __init__(self, total: int | None, done: int) -> None:
        self.left, self.count = (total or 0) - done, 0
        self._started = self._last = time.monotonic()

    def due(self) -> bool:
        """Check whether the last line is old enough; if so, start the interval of the next."""
        now = time.monotonic()
        if now - self._last < LOG_INTERVAL_SECONDS:
            return False
        self._last = now
        return True

    @property
    def rate(self) -> float:
        """Return the units per second since the start."""
        return self.count / max(time.monotonic() - self._started, 1e-9)

    @property
    def remaining(self) -> float:
        """Return the seconds left at this rate."""
        return (self.left - self.count) / self.rate


def in_bytes(number: float) -> str:
    """Format a number of bytes: 6932971618 -> "6.93 GB"."""
    return re.sub("([A-Za-z]+)$", r" \1", tqdm.format_sizeof(number, "B"))


def in_time(seconds: float) -> str:
    """Format a time: 45.2 -> "45 s", 400 -> "7 min", 9000 -> "2.5 h"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"

"""Progress: a bar with rate and remaining time on a terminal, plain periodic lines in a log."""

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
    """One line on standard error, above a bar that is being drawn."""
    tqdm.write(printable(message), file=sys.stderr)
    sys.stderr.flush()


def notice(message: str) -> None:
    """A line that a person should see: besides the log, where standard error goes to one, on standard output."""
    log(message)
    if not sys.stderr.isatty():
        print(f"aurl: {message}", flush=True)


def track(
    items: Iterable[Item], description: str, unit: str, total: int, done: int = 0, brief: bool = False
) -> Iterator[Item]:
    """Pass the items on, reporting rate and remaining time.

    Args:
        total: how many items there are in all, `done` of them before this run.
        brief: what usually takes no time; nothing is shown unless it does, and no bar is left behind.
    """
    if sys.stderr.isatty():
        yield from tqdm(
            items, description, total, not brief, unit=unit, initial=done, dynamic_ncols=True,
            delay=BRIEF_SECONDS if brief else 0,
        )  # fmt: skip
        return
    started = last = time.monotonic()
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= LOG_INTERVAL_SECONDS or (done + count == total and not brief):
            rate = count / max(now - started, 1e-9)
            remaining = (total - done - count) / rate
            log(f"{description}: {done + count}/{total} {unit} {rate:.1f}/s, {remaining:.0f} s left")
            last = now


@contextmanager
def transfer(description: str, total: int | None, done: int = 0) -> Iterator[Callable[[int], object]]:
    """Give a function to be called with each number of bytes that went through.

    Args:
        total: bytes in all, `done` of them before this run; None where nobody knows.
    """
    if sys.stderr.isatty():
        with tqdm(desc=description, total=total, initial=done, unit="B", unit_scale=True, dynamic_ncols=True) as bar:
            yield bar.update
        return
    started = last = time.monotonic()
    count = 0

    def advance(number: int) -> None:
        """Count so many bytes more; a line at most every few seconds."""
        nonlocal count, last
        count += number
        now = time.monotonic()
        if now - last >= LOG_INTERVAL_SECONDS:
            rate = count / (now - started)
            left = "" if total is None else f" of {in_bytes(total)}, {(total - done - count) / rate:.0f} s left"
            log(f"{description}: {in_bytes(done + count)}{left}, {in_bytes(rate)}/s")
            last = now

    yield advance


def in_bytes(number: float) -> str:
    """A number of bytes for people: 6932971618 -> "6.93GB"."""
    return tqdm.format_sizeof(number, "B")


def in_time(seconds: float) -> str:
    """A time for people: 45.2 -> "45 s", 400 -> "7 min", 9000 -> "2.5 h"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"

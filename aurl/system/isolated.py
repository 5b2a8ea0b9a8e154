"""Process untrusted files in worker processes that may hang, crash or take too much memory.

A worker serves many items, and is replaced when it dies. Each item has a limit of wall time and (for a worker whose
parent is gone) of CPU time; no worker leaves a core file. With a memory limit, an item may also write to no file.
These are limits, not a sandbox: code that takes over a worker has the user's rights.
"""

import functools
import math
import resource
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from aurl.system.memory import keep_freed_memory
from aurl.system.progress import log

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 32  # items for each worker that are scheduled before the first result is needed
MOST_ITEMS = 500  # of one worker: memory that a decoder leaks goes with it
SPARE_SECONDS = 2  # of CPU time: the limit of wall time should come first, since it can be reported
STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Failure:
    """Replace the result of an item that gave none, with the reason."""

    reason: str


def map_isolated(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    timeout: float,
    memory_mb: int | None = None,
    fallback: Callable[[Item], Result] | None = None,
) -> Iterator[Result | Failure]:
    """Apply a picklable function to the items in worker processes; results come in the items' order.

    Items are taken as results are needed, and no result is kept: memory does not grow with their number. (The
    pool's own `map` keeps all of both, and searches all of them ten times a second.)

    Args:
        timeout: seconds for one item, after which its worker is killed and a `Failure` takes its place.
        memory_mb: MiB that one item may take beyond its worker's present memory (Linux; elsewhere not limited).
        fallback: another way to the same result, tried in a new worker if the function fails.
    """
    for item, result in _outcomes(function, items, workers, timeout, memory_mb):
        if isinstance(result, Failure) and fallback is not None:
            log(f"{item[0] if isinstance(item, tuple) else item}: {result.reason}; trying another way")
            yield from (outcome for _, outcome in _outcomes(fallback, [item], 1, timeout, memory_mb))
        else:
            yield result


def _outcomes(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, timeout: float, memory_mb: int | None
) -> Iterator[tuple[Item, Result | Failure]]:
    """Yield each item with its result, in order."""
    limited = functools.partial(_limited, function, timeout, memory_mb)
    with ProcessPool(max_workers=workers, max_tasks=MOST_ITEMS, initializer=_prepare) as pool:
        scheduled: deque[tuple[Item, ProcessFuture[Result]]] = deque()

        def first() -> tuple[Item, Result | Failure]:
            item, future = scheduled.popleft()
            return item, _outcome(future, timeout, memory_mb)

        try:
            for item in items:
                scheduled.append((item, pool.schedule(limited, args=(item,), timeout=timeout)))
                if len(scheduled) == AHEAD * workers:
                    yield first()
            while scheduled:
                yield first()
        except BaseException:  # the consumer has stopped: do not wait for scheduled items
            pool.stop()
            raise


def _outcome(future: Any, timeout: float, memory_mb: int | None) -> Any:
    """Return the result, or a Failure."""
    try:
        return future.result()
    except TimeoutError:
        return Failure(f"gave no result within {timeout:g} s")
    except ProcessExpired as error:
        return Failure(f"the worker process died ({_cause(error.exitcode)})")
    except MemoryError:
        limit = "this machine has" if memory_mb is None else f"the {memory_mb} MiB allowed (frames.memory_mb)"
        return Failure(f"needs more memory than {limit}")
    except Exception as error:  # whatever a decoder raises is a property of that file
        return Failure(f"{type(error).__name__}: {error}".splitlines()[0])


def _limited(function: Callable[[Item], Result], timeout: float, memory_mb: int | None, item: Item) -> Result:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limits = {resource.RLIMIT_CPU: math.ceil(usage.ru_utime + usage.ru_stime + timeout) + SPARE_SECONDS}
    if memory_mb is not None:
        limits[resource.RLIMIT_FSIZE] = 0
        if STATUS.is_file():
            limits[resource.RLIMIT_DATA] = _data_bytes() + (memory_mb << 20)
    with _soft_limits(limits):
        return function(item)


@contextmanager
def _soft_limits(limits: dict[int, int]) -> Iterator[None]:
    """Lower this process's soft limits for one item; it sends results and reads items without them."""
    before = {kind: resource.getrlimit(kind) for kind in limits}
    for kind, limit in limits.items():
        soft, hard = before[kind]
        lowest = min((value for value in (limit, soft, hard) if value != resource.RLIM_INFINITY), default=limit)
        resource.setrlimit(kind, (lowest, hard))
    try:
        yield
    finally:
        for kind, (soft, hard) in before.items():
            resource.setrlimit(kind, (soft, hard))


def _data_bytes() -> int:
    """Return this process's private, writable memory in bytes, which RLIMIT_DATA counts."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmData:"))
    return int(line.split()[1]) << 10


def _prepare() -> None:
    """Forbid core files, and let malloc keep the memory of one item's pictures for the next."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    keep_freed_memory()


def _cause(exit_code: int | None) -> str:
    """Name the reason why a process ended."""
    if exit_code is None or exit_code >= 0:
        return f"exit status {exit_code}"
    if -exit_code == signal.SIGKILL:
        return "SIGKILL: the system had no more memory, or somebody killed it"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"

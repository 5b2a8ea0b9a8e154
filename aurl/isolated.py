"""Work on untrusted files in processes of their own: one that hangs or crashes is killed and reported."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError
from dataclasses import dataclass
from typing import TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 1000


@dataclass(frozen=True)
class Failure:
    """Why there is no result for an item."""

    reason: str


def map_isolated(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, timeout: float
) -> Iterator[Result | Failure]:
    """Apply a picklable function to the items in worker processes; results come in the items' order.

    Args:
        timeout: seconds for one item, after which its worker is killed and a `Failure` takes its place.
    """
    with ProcessPool(max_workers=workers) as pool:
        for future in _in_order(pool, function, items, timeout):
            try:
                yield future.result()
            except GeneratorExit:  # nobody wants the rest
                pool.stop()
                raise
            except TimeoutError:
                yield Failure(f"gave no result within {timeout:g} s")
            except ProcessExpired as error:
                yield Failure(f"the worker process died ({error})")
            except Exception as error:  # whatever a decoder raises is a property of that file
                yield Failure(f"{type(error).__name__}: {error}".splitlines()[0])


def _in_order(
    pool: ProcessPool, function: Callable[[Item], Result], items: Iterable[Item], timeout: float
) -> Iterator["ProcessFuture[Result]"]:
    """The items' futures in their order, not many more than a thousand of them at a time.

    The pool looks at all that it was given, many times a second: half a million at once would keep it busy with that.
    """
    ahead: deque[ProcessFuture[Result]] = deque()
    for item in items:
        ahead.append(pool.schedule(function, args=(item,), timeout=timeout))
        if len(ahead) >= AHEAD:
            yield ahead.popleft()
    yield from ahead

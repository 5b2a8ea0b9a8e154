"""Work on untrusted files in processes of their own: one that hangs or crashes is killed and reported."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, TimeoutError
from dataclasses import dataclass
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

AHEAD = 32  # items of each worker that are under way before the first of them is asked for

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure:
    """Why there is no result for an item."""

    reason: str


def map_isolated(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, timeout: float
) -> Iterator[Result | Failure]:
    """Apply a picklable function to the items in worker processes; results come in the items' order.

    Items are taken as results are asked for, and no result is held after it was given: memory does not grow with
    their number (the pool's own `map` holds all of both, and looks through all of them ten times a second).

    Args:
        timeout: seconds for one item, after which its worker is killed and a `Failure` takes its place.
    """
    with ProcessPool(max_workers=workers) as pool:
        under_way: deque[Future[Result]] = deque()
        try:
            for item in items:
                under_way.append(pool.schedule(function, args=(item,), timeout=timeout))
                if len(under_way) == AHEAD * workers:
                    yield _outcome(under_way.popleft(), timeout)
            while under_way:
                yield _outcome(under_way.popleft(), timeout)
        except BaseException:  # whoever asked has stopped asking: what is under way is not waited for
            pool.stop()
            raise


def _outcome(future: Future[Any], timeout: float) -> Any:
    """The result, or the Failure that stands for it."""
    try:
        return future.result()
    except TimeoutError:
        return Failure(f"gave no result within {timeout:g} s")
    except ProcessExpired as error:
        return Failure(f"the worker process died ({error})")
    except Exception as error:  # whatever a decoder raises is a property of that file
        return Failure(f"{type(error).__name__}: {error}".splitlines()[0])

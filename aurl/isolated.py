"""Work on untrusted files in processes of their own: one that hangs or crashes is killed and reported."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError
from dataclasses import dataclass
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool

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

    Args:
        timeout: seconds for one item, after which its worker is killed and a `Failure` takes its place.
    """
    with ProcessPool(max_workers=workers) as pool:
        results = pool.map(function, items, timeout=timeout).result()
        while True:
            try:
                yield next(results)
            except StopIteration:
                return
            except TimeoutError:
                yield Failure(f"gave no result within {timeout:g} s")
            except ProcessExpired as error:
                yield Failure(f"the worker process died ({error})")
            except Exception as error:  # whatever a decoder raises is a property of that file
                yield Failure(f"{type(error).__name__}: {error}".splitlines()[0])

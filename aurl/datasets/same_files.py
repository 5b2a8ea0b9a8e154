"""Find videos that are the same file (SHA-256) in two datasets, or in two classes of one."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from aurl.datasets.table import iterate_table, iterate_usable

__all__ = ["list_same", "same_files", "usable_places", "listed_places"]
MOST_LISTED = 20  # groups in a message

Place = tuple[str, str, str]  # SHA-256, class with its dataset, path with its dataset


def same_files(places: Callable[[], Iterator[Place]]) -> list[list[str]]:
    """Group the paths of equal files that belong to several classes or datasets.

    The rows are read twice, so that half a million of them take a few megabytes.
    """
    keys = np.fromiter((_key(digest) for digest, _, _ in places()), np.uint64)
    values, counts = np.unique(keys, return_counts=True)
    repeated = set(values[counts > 1].tolist())
    groups: dict[str, list[Place]] = {}
    for place in places() if repeated else ():
        if _key(place[0]) in repeated:
            groups.setdefault(place[0], []).append(place)
    several = [group for group in groups.values() if len({of_class for _, of_class, _ in group}) > 1]
    return [[path for _, _, path in group] for group in several]


def _key(digest: str) -> int:
    """Take the first 64 bits of a digest."""
    return int(digest[:16], 16)


def list_same(groups: list[list[str]]) -> str:
    """List groups of paths in a message: "a/1.mp4 = b/2.mp4; ..."."""
    more = f"; and {len(groups) - MOST_LISTED} more" if len(groups) > MOST_LISTED else ""
    return "; ".join(" = ".join(group[:MOST_LISTED]) for group in groups[:MOST_LISTED]) + more

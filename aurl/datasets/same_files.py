"""Find videos that are the same file (SHA-256) in two datasets, or in two classes of one."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from aurl.datasets.table import iterate_table, iterate_usable

MOST_LISTED = 20  # groups in a message

Place = tuple[str, str, str, str]  # SHA-256, dataset, class, path


def same_files(tables: Mapping[str, Path], broken: Mapping[str, str] | None = None) -> list[list[str]]:
    """Group the paths of equal files that belong to several classes or datasets.

    The tables are read twice, so that a million rows take a few megabytes.

    Args:
        tables: the listing or manifest of each dataset. With several, its name stands before each path.
        broken: each dataset's `broken`, to take only the usable videos of manifests.
    Raises: AurlError for a damaged table.
    """
    values, counts = np.unique(
        np.fromiter((hash(digest) for digest, *_ in _places(tables, broken)), np.int64), return_counts=True
    )
    repeated = set(values[counts > 1].tolist())
    groups: dict[str, list[Place]] = {}
    for place in _places(tables, broken) if repeated else ():
        if hash(place[0]) in repeated:
            groups.setdefault(place[0], []).append(place)
    several = [group for group in groups.values() if len({place[1:3] for place in group}) > 1]
    return [[f"{name}/{path}" if len(tables) > 1 else path for _, name, _, path in group] for group in several]


def _places(tables: Mapping[str, Path], broken: Mapping[str, str] | None) -> Iterator[Place]:
    for name, table in tables.items():
        for row in iterate_table(table) if broken is None else iterate_usable(table, broken[name]):
            if digest := row.get("sha256"):
                yield digest, name, row["class"], row["path"]


def list_same(groups: list[list[str]]) -> str:
    """List groups of paths in a message: "a/1.mp4 = b/2.mp4; ..."."""
    more = f"; and {len(groups) - MOST_LISTED} more" if len(groups) > MOST_LISTED else ""
    return "; ".join(" = ".join(group[:MOST_LISTED]) for group in groups[:MOST_LISTED]) + more

"""Write and read the ranks of a row from outside: what statistics need of each video."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from aurl.system.errors import AurlError, one_line
from aurl.system.files import replacing


@dataclass(frozen=True)
class ExternalRanks:
    """Hold a row from outside on one test set.

    Args:
        ranks: int64 (N,), how many of all classes are ranked above the video's own.
        labels: int64 (N,), numbers of `class_names`. paths: of the N videos, in the manifest's order.
    """

    ranks: np.ndarray
    labels: np.ndarray
    class_names: list[str]
    paths: list[str]


def write_ranks(path: Path, by_dataset: Mapping[str, ExternalRanks]) -> None:
    """Write the ranks on each test set, by dataset."""
    tensors: dict[str, np.ndarray] = {}
    names = {}
    for dataset, ranks in by_dataset.items():
        tensors |= {f"{dataset}.ranks": ranks.ranks, f"{dataset}.labels": ranks.labels}
        names[dataset] = {"classes": ranks.class_names, "paths": ranks.paths}
    with replacing(path) as (temporary,):
        temporary.write_bytes(save(tensors, {"aurl": json.dumps(names)}))


def read_ranks(path: Path) -> dict[str, ExternalRanks]:
    """Read the ranks on each test set, by dataset. Raises: AurlError for a damaged file."""
    try:
        with safe_open(path, framework="numpy") as handle:
            names = json.loads(handle.metadata()["aurl"])
            return {
                dataset: ExternalRanks(
                    handle.get_tensor(f"{dataset}.ranks"), handle.get_tensor(f"{dataset}.labels"),
                    of_dataset["classes"], of_dataset["paths"],
                )
                for dataset, of_dataset in names.items()
            }  # fmt: skip
    except Exception as error:  # safetensors and JSON raise their own
        raise AurlError(f"{path}: not a usable file of ranks ({one_line(error)}); delete it and run again") from None

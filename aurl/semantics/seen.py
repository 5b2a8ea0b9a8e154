"""Strict labels: leaves out the seen classes that are too close to a test class."""

from pathlib import Path

import numpy as np
import pandas as pd

from aurl.pipeline.jobs import Job
from aurl.semantics.classes import ClassEmbeddings, read_embeddings
from aurl.system.errors import AurlError
from aurl.system.files import replacing


def cosine_distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Compute 1 - cos between the rows of (n, d) and of (m, d): float64 (n, m)."""
    left, right = left.astype(np.float64), right.astype(np.float64)
    left = left / np.linalg.norm(left, axis=1, keepdims=True)
    right = right / np.linalg.norm(right, axis=1, keepdims=True)
    return 1 - left @ right.T


def filter_seen(seen: np.ndarray, unseen: np.ndarray, tau: float) -> np.ndarray:
    """Select the seen classes with min over test classes of (1 - cos) >= tau: bool (seen classes,).

    The abstract's formula has > tau, the released code >=. tau <= 0 means no filter: then nothing is compared, because
    rounding would drop equal classes.

    Args:
        seen: (seen classes, d) embeddings.
        unseen: (test classes, d), the union over all test sets.
    """
    return passes_filter(cosine_distances(seen, unseen).min(axis=1), tau)


def passes_filter(distances: np.ndarray, tau: float) -> np.ndarray:
    """Select the seen classes by the distance of each to its nearest test class: bool (seen classes,)."""
    return np.ones(len(distances), dtype=bool) if tau <= 0 else np.asarray(distances >= tau)


def seen_class_table(seen: ClassEmbeddings, unseen: dict[str, ClassEmbeddings], tau: float) -> pd.DataFrame:
    """Make one row for each seen class: whether it is kept, its nearest test class, and the distance to it."""
    test_classes = [(dataset, name) for dataset, embeddings in unseen.items() for name in embeddings.classes]
    test_vectors = np.concatenate([embeddings.vectors for embeddings in unseen.values()])
    distances = cosine_distances(seen.vectors, test_vectors)
    nearest = distances.argmin(axis=1)
    return pd.DataFrame(
        {
            "class": seen.classes,
            "kept": passes_filter(distances.min(axis=1), tau),
            "distance": distances.min(axis=1),
            "nearest_class": [test_classes[i][1] for i in nearest],
            "nearest_dataset": [test_classes[i][0] for i in nearest],
        }
    )


def write_seen_classes(seen: Path, unseen: dict[str, Path], tau: float, expected: int | None, output: Path) -> None:
    """Filter the seen classes and write the table.

    Raises:
        AurlError: fewer than two classes stay, or another number than the preset expects.
    """
    table = seen_class_table(read_embeddings(seen), {name: read_embeddings(path) for name, path in unseen.items()}, tau)
    kept = int(table["kept"].sum())
    if kept < 2:
        raise AurlError(
            f"semantics.tau = {tau}: {kept} of {len(table)} seen classes stay, training needs 2; lower tau or add classes"
        )
    if expected is not None and kept != expected:
        raise AurlError(
            f"semantics.expected_seen_classes = {expected}: the filter with tau {tau} keeps {kept} of {len(table)} classes;"
            " the class list, tokens or vectors are not the expected ones"
        )
    write_seen_table(table, output)


def write_seen_table(table: pd.DataFrame, output: Path) -> None:
    """Write the table, distances with all digits: other thresholds are applied to them later."""
    with replacing(output) as (temporary,):
        table.to_csv(temporary, index=False, lineterminator="\n")


def run(job: Job) -> None:
    """Run the stage `seen_classes`."""
    tau, expected = job.settings["semantics.tau"], job.settings["semantics.expected_seen_classes"]
    write_seen_classes(job.inputs.seen, job.inputs.unseen, tau, expected, job.outputs.seen_classes)

"""Find principal axes."""

import numpy as np


def principal_axes(rows: np.ndarray, number: int) -> tuple[np.ndarray, float]:
    """Find the axes that keep most of the squared length of rows (n, d); centre the rows first for a PCA.

    Returns: axes (number, d), each with a positive sum because their sign is open, zeros where there are no more
        dimensions; the share of squared length that they keep.
    """
    _, sizes, axes = np.linalg.svd(rows, full_matrices=False)
    kept = np.zeros((number, rows.shape[1]))
    kept[: len(axes)] = axes[:number] * np.where(axes[:number].sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    squared = sizes**2
    return kept, float(squared[:number].sum() / squared.sum())
